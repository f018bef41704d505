"""The pods of `helm test`: is it ready, and does an echo come back through it?"""

import pytest
from chart import feature, named, render


def pods(values):
    return {pod["spec"]["containers"][0]["name"]: pod for pod in render(values).all("Pod")}


def test_readiness_is_always_asked():
    found = pods({})
    assert list(found) == ["readyz"]
    assert found["readyz"]["spec"]["containers"][0]["args"] == ["probe", "--ready", "--admin", "http://edge-switchyard-admin:9901"]


def test_an_echo_through_the_service():
    found = pods({"test": {"echo": {"url": "ws://chat.example.com/echo"}}, "service": {"ports": {"web": {"port": 80}}}})
    args = found["echo"]["spec"]["containers"][0]["args"]
    assert args == ["probe", "--echo", "ws://chat.example.com/echo", "--connect", "edge-switchyard:80"]
    assert "volumes" not in found["echo"]["spec"]


def test_an_echo_over_tls():
    objects = feature("tls")
    spec = next(pod["spec"] for pod in objects.all("Pod") if pod["spec"]["containers"][0]["name"] == "echo")
    container = spec["containers"][0]
    assert container["args"][-4:] == ["--connect", "edge-switchyard:443", "--ca", "/etc/switchyard/secrets/web-tls/ca.crt"]
    mount = container["volumeMounts"][0]
    assert (mount["mountPath"], mount["readOnly"]) == ("/etc/switchyard/secrets/web-tls", True)
    assert named(spec["volumes"], mount["name"])["secret"] == {"secretName": "web-example-com", "defaultMode": 0o440}


@pytest.mark.parametrize("name", ["readyz", "echo"])
def test_they_are_hooks_that_stay_for_their_logs(name):
    pod = pods({"test": {"echo": {"url": "ws://a/echo"}}})[name]
    assert pod["metadata"]["annotations"] == {"helm.sh/hook": "test", "helm.sh/hook-delete-policy": "before-hook-creation"}
    assert pod["spec"]["activeDeadlineSeconds"] == 120
    assert pod["spec"]["enableServiceLinks"] is False
    assert pod["spec"]["restartPolicy"] == {"readyz": "OnFailure", "echo": "Never"}[name]


@pytest.mark.parametrize("name", ["readyz", "echo"])
def test_they_are_as_the_gateway_is(name):
    values = {"resources": {"requests": {"memory": "9Gi"}}, "image": {"pullSecrets": [{"name": "registry"}]}, "test": {"echo": {"url": "ws://a/echo"}}}
    spec, gateway = pods(values)[name]["spec"], render(values)
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["securityContext"] == gateway.pod["securityContext"]
    assert spec["containers"][0]["resources"] == {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}}
    for key in ("image", "imagePullPolicy", "securityContext"):
        assert spec["containers"][0][key] == gateway.gateway[key], key
