"""The public Service and the headless one of the admin port."""

import pytest
from chart import feature, named, render

LISTENERS = {
    "listeners": [
        {"name": "web", "address": "0.0.0.0:8080"},
        {"name": "Web_tls.eu", "address": "[::]:8443", "tls": {"certificates": [{"cert": "/a", "key": "/b"}]}},
    ]
}


def public(values):
    return render(values).one("Service", "edge-switchyard")["spec"]


def test_ports_are_those_of_the_listeners():
    assert public({"config": LISTENERS})["ports"] == [
        {"name": "web", "port": 8080, "targetPort": 8080, "protocol": "TCP", "appProtocol": "http"},
        {"name": "web-tls-eu", "port": 8443, "targetPort": 8443, "protocol": "TCP", "appProtocol": "https"},
    ]


def test_ports_are_what_the_values_say():
    said = {"web": {"port": 80, "nodePort": 30080, "appProtocol": "kubernetes.io/ws"}, "Web_tls.eu": {"expose": False}}
    spec = public({"config": LISTENERS, "service": {"type": "NodePort", "ports": said}})
    assert spec["type"] == "NodePort"
    assert spec["ports"] == [
        {"name": "web", "port": 80, "targetPort": 8080, "protocol": "TCP", "appProtocol": "kubernetes.io/ws", "nodePort": 30080}
    ]


def test_a_port_may_say_nothing_of_its_protocol():
    """A load balancer may ask by HTTP what it takes for HTTP."""
    port, = public({"service": {"ports": {"web": {"appProtocol": ""}}}})["ports"]
    assert port == {"name": "web", "port": 8080, "targetPort": 8080, "protocol": "TCP"}


@pytest.mark.parametrize(("listener", "port"), [("web--", "web"), ("Web.-_", "web"), ("a--b", "a--b")])
def test_names_of_ports_are_such(listener, port):
    found, = public({"config": {"listeners": [{"name": listener, "address": "0.0.0.0:8080"}]}})["ports"]
    assert found["name"] == port


def test_a_load_balancer():
    said = {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "loadBalancerClass": "example.com/nlb",
        "ipFamilyPolicy": "PreferDualStack",
        "loadBalancerSourceRanges": ["192.0.2.0/24"],
    }
    objects = render({"service": said | {"annotations": {"example.com/proxy": "*"}}})
    service = objects.one("Service", "edge-switchyard")
    assert {key: service["spec"][key] for key in said} == said
    assert service["metadata"]["annotations"] == {"example.com/proxy": "*"}
    assert "annotations" not in objects.one("Service", "edge-switchyard-admin")["metadata"]


def test_what_is_not_said_is_left_to_the_cluster():
    assert set(public({})) == {"type", "selector", "ports"}
    assert public({})["type"] == "ClusterIP"


def test_a_gateway_without_a_public_service():
    objects = feature("host-network-deployment")
    assert [service["metadata"]["name"] for service in objects.all("Service")] == ["edge-switchyard-admin"]


@pytest.mark.parametrize("service", [{}, {"type": "LoadBalancer"}])
def test_the_admin_port_is_never_public(service):
    objects = render({"service": service})
    admin = objects.one("Service", "edge-switchyard-admin")["spec"]
    assert admin["clusterIP"] == "None"
    assert admin["publishNotReadyAddresses"] is True, "pods that drain are still scraped"
    assert admin["ports"] == [{"name": "admin", "port": 9901, "targetPort": "admin", "protocol": "TCP", "appProtocol": "http"}]
    assert "type" not in admin
    assert all(port["targetPort"] not in ("admin", 9901) for port in objects.one("Service", "edge-switchyard")["spec"]["ports"])
    assert named(objects.gateway["ports"], "admin")["containerPort"] == 9901
