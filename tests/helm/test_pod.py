"""The pod: what runs in it, what it may do, where it runs."""

import pytest
from chart import feature, named, render

KINDS = pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
SPREAD = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
LOCKED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}


def test_both_kinds_have_one_pod():
    values = {"topologySpreadConstraints": []}
    deployment = render(values | {"kind": "Deployment"}).workload["spec"]["template"]
    daemon_set = render(values | {"kind": "DaemonSet"}).workload["spec"]["template"]
    assert deployment == daemon_set


@KINDS
def test_containers(kind):
    objects = render({"kind": kind})
    assert objects.workload["kind"] == kind
    assert [container["name"] for container in objects.pod["initContainers"]] == ["check"]
    assert [container["name"] for container in objects.pod["containers"]] == ["switchyard"]
    check = objects.pod["initContainers"][0]
    assert check["args"] == ["check", "--config", "/etc/switchyard/config/switchyard.yaml"]
    assert objects.gateway["args"] == ["run", "--config", "/etc/switchyard/config/switchyard.yaml"]
    for key in ("image", "imagePullPolicy", "volumeMounts", "securityContext", "resources"):
        assert check[key] == objects.gateway[key], key
    assert "command" not in objects.gateway, "the image's entry point is the binary"


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ({}, "localhost/switchyard:0.1.0"),
        ({"repository": "r.example/s"}, "r.example/s:0.1.0"),
        ({"tag": "1.2.3"}, "localhost/switchyard:1.2.3"),
        ({"tag": "1.2.3", "digest": "sha256:" + "a" * 64}, "localhost/switchyard@sha256:" + "a" * 64),
    ],
)
def test_image(image, wanted):
    objects = render({"image": image | {"pullPolicy": "Always"}})
    for pod in (objects.pod, objects.one("Pod")["spec"]):
        for container in pod.get("initContainers", []) + pod["containers"]:
            assert (container["image"], container["imagePullPolicy"]) == (wanted, "Always")


def test_security():
    objects = render()
    assert objects.pod["securityContext"] == {
        "fsGroup": 65532,
        "runAsGroup": 65532,
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for pod in (objects.pod, objects.one("Pod")["spec"]):
        for container in pod.get("initContainers", []) + pod["containers"]:
            assert container["securityContext"] == LOCKED
    assert objects.pod["enableServiceLinks"] is False


def test_the_cluster_may_choose_the_user():
    objects = feature("openshift")
    for pod in (objects.pod, objects.one("Pod")["spec"]):
        assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_security_is_added_to():
    """It cannot be taken back: test_values.py has what is refused."""
    said = {"fsGroup": 2000, "sysctls": [{"name": "a", "value": "1"}]}
    context = render({"podSecurityContext": said}).pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context["fsGroup"] == 2000
    assert context["sysctls"] == said["sysctls"]
    assert context["runAsUser"] == 65532


@KINDS
def test_probes(kind):
    objects = render({"kind": kind, "probes": {"readiness": {"failureThreshold": 7}}})
    asked = {name: objects.gateway[name] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {name: probe.pop("httpGet") for name, probe in asked.items()} == {
        "startupProbe": {"path": "/healthz", "port": "admin"},  # without its bus it is not ready, and not to be started anew
        "readinessProbe": {"path": "/readyz", "port": "admin"},
        "livenessProbe": {"path": "/healthz", "port": "admin"},
    }
    # A gateway that hangs drains nobody: it is not given the hours that one that drains is.
    assert asked == {
        "startupProbe": {"periodSeconds": 1, "failureThreshold": 60, "terminationGracePeriodSeconds": 30},
        "readinessProbe": {"periodSeconds": 5, "failureThreshold": 7, "timeoutSeconds": 2},
        "livenessProbe": {"periodSeconds": 10, "failureThreshold": 6, "timeoutSeconds": 5, "terminationGracePeriodSeconds": 30},
    }


def test_the_admin_port_is_that_of_the_configuration():
    objects = render({"config": {"admin": {"address": "0.0.0.0:9999"}}})
    assert named(objects.gateway["ports"], "admin")["containerPort"] == 9999
    assert named(objects.one("Service", "edge-switchyard-admin")["spec"]["ports"], "admin")["port"] == 9999
    assert "http://edge-switchyard-admin:9999" in objects.one("Pod")["spec"]["containers"][0]["args"]


def test_resources():
    assert render().gateway["resources"] == {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}}
    mine = {"limits": {"cpu": 2, "memory": "1Gi"}}
    assert render({"resources": mine}).gateway["resources"]["limits"] == mine["limits"]


def test_spread_over_nodes_and_zones():
    spread = render().pod["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == SPREAD
    for each in spread:
        assert each["maxSkew"] == 1
        assert each["whenUnsatisfiable"] == "ScheduleAnyway"
        assert each["matchLabelKeys"] == ["pod-template-hash"], "or pods that go would count in a rollout"
    assert "topologySpreadConstraints" not in render({"kind": "DaemonSet"}).pod
    assert "topologySpreadConstraints" not in render({"topologySpreadConstraints": []}).pod
    mine = [{"topologyKey": "a", "maxSkew": 2, "whenUnsatisfiable": "DoNotSchedule"}]
    assert render({"topologySpreadConstraints": mine}).pod["topologySpreadConstraints"] == mine


def test_placement():
    said = {
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "edge", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "priorityClassName": "high",
    }
    objects = render(said)
    assert {key: objects.pod[key] for key in said} == said
    test = objects.one("Pod")["spec"]
    assert {key: test[key] for key in ("nodeSelector", "tolerations")} == {key: said[key] for key in ("nodeSelector", "tolerations")}
    assert not set(said) & set(render().pod)


@KINDS
def test_host_network(kind):
    values = {"kind": kind, "hostNetwork": True, "rollout": {"progressDeadlineSeconds": 900}}
    objects = render(values)
    assert objects.pod["hostNetwork"] is True
    assert objects.pod["dnsPolicy"] == "ClusterFirstWithHostNet"
    ports = {port["containerPort"]: port["hostPort"] for port in objects.gateway["ports"]}
    assert ports == {8080: 8080, 9901: 9901}
    without = render({"kind": kind})
    assert not {"hostNetwork", "dnsPolicy"} & set(without.pod)
    assert all("hostPort" not in port for port in without.gateway["ports"])


def test_files():
    objects = render({"secrets": {"tls": "web-tls"}})
    volumes = objects.pod["volumes"]
    assert named(volumes, "config")["configMap"]["name"] == objects.all("ConfigMap")[0]["metadata"]["name"]
    keys = named(volumes, "keys")["projected"]
    assert [(each["secret"]["name"], each["secret"]["items"]) for each in keys["sources"]] == [
        ("edge-switchyard-affinity-key", [{"key": "affinity-key", "path": "affinity-key"}]),
        ("edge-switchyard-admin-token", [{"key": "admin-token", "path": "admin-token"}]),
    ]
    secret = named(volumes, "secret-tls")["secret"]
    assert secret["secretName"] == "web-tls"
    assert keys["defaultMode"] == secret["defaultMode"] == 0o440
    mounts = {mount["name"]: mount for mount in objects.gateway["volumeMounts"]}
    assert {name: mount["mountPath"] for name, mount in mounts.items()} == {
        "config": "/etc/switchyard/config",
        "keys": "/etc/switchyard/keys",
        "secret-tls": "/etc/switchyard/secrets/tls",
    }
    for mount in mounts.values():
        assert mount["readOnly"] is True
        assert "subPath" not in mount, "a file that is mounted alone never changes"
