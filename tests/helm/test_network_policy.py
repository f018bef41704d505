"""Who may connect to pods, and to whom they may."""

from chart import feature, render

MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
OFFICE = {"ipBlock": {"cidr": "10.0.0.0/8"}}
TEST = {
    "app.kubernetes.io/component": "test",
    "app.kubernetes.io/instance": "edge",
    "app.kubernetes.io/name": "switchyard",
}
LISTENERS = [
    {"name": "web", "address": "0.0.0.0:8080"},
    {"name": "inside", "address": "0.0.0.0:8081"},
    {"name": "beside", "address": "127.0.0.1:8082"},
]


def policy(config=None, service=None, test=None, **said):
    values = {"networkPolicy": {"enabled": True} | said, "config": config or {}, "service": service or {}, "test": test or {}}
    return render(values).one("NetworkPolicy")["spec"]


def test_none_unless_asked_for():
    assert render().all("NetworkPolicy") == []


def test_all_to_the_listeners_and_the_namespace_to_the_admin_port():
    spec = policy()
    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"] == [
        {"ports": [{"port": 8080, "protocol": "TCP"}]},
        {"ports": [{"port": 9901, "protocol": "TCP"}], "from": [{"podSelector": {}}]},
    ]
    assert "egress" not in spec


def test_each_listener_that_others_reach_is_in_it():
    """Also those that the Service leaves out: pods of the cluster may use them."""
    spec = policy({"listeners": LISTENERS}, {"ports": {"inside": {"expose": False}, "beside": {"expose": False}}})
    assert [port["port"] for port in spec["ingress"][0]["ports"]] == [8080, 8081]


def test_peers_of_ones_own():
    listeners, admin = policy(adminFrom=[MONITORING], listenersFrom=[OFFICE])["ingress"]
    assert listeners["from"] == [OFFICE]
    assert admin["from"] == [{"podSelector": {}}, MONITORING]


def test_helm_test_may_connect():
    listeners = policy(listenersFrom=[OFFICE], test={"echo": {"url": "ws://a/echo"}})["ingress"][0]
    assert listeners["from"] == [OFFICE, {"podSelector": {"matchLabels": TEST}}]
    objects = feature("network-policy")
    assert all(TEST.items() <= pod["metadata"]["labels"].items() for pod in objects.all("Pod"))


def test_egress():
    spec = policy(egress=[{"to": [OFFICE]}])
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["egress"] == [{"to": [OFFICE]}]
    assert policy(egress=[]) == policy() | {"policyTypes": ["Ingress", "Egress"], "egress": []}
