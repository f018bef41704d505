"""What holds for each feature: it is what helm, Kubernetes and the gateway take."""

import gateway
import manifests
import pytest
from chart import CHART, FEATURES, NEWEST, OLDEST, Refused, feature, helm, render

each_feature = pytest.mark.parametrize("name", FEATURES)


def test_no_file_of_ci_is_passed_over():
    files = {file.name for file in (CHART / "ci").iterdir()}
    assert files == {f"{name}-values.yaml" for name, file in FEATURES.items() if file}
    assert len(files) >= 30


@each_feature
def test_lint_says_nothing(name):
    values = ["--values", str(FEATURES[name])] if FEATURES[name] else []
    said = helm("lint", "--strict", str(CHART), *values)
    assert "[WARNING]" not in said and "[ERROR]" not in said, said


@each_feature
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_takes_it(name, version):
    assert manifests.problems(feature(name), version) == []


@each_feature
def test_the_gateway_takes_its_configuration(name, tmp_path, certificate):
    said = gateway.check(feature(name), tmp_path, certificate)
    assert said.returncode == 0, f"{said.stdout}\n{said.stderr}"


@each_feature
def test_nothing_is_rendered_as_null(name):
    def nulls(value, path):
        if value is None:
            yield path
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from nulls(inner, f"{path}.{key}")
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                yield from nulls(inner, f"{path}.{number}")

    assert [path for each in feature(name) for path in nulls(each, each["kind"])] == []


@each_feature
def test_pod_security_restricted(name):
    """The profile, as https://kubernetes.io/docs/concepts/security/pod-security-standards/ has it."""
    objects = feature(name)
    for pod in (objects.pod, *(each["spec"] for each in objects.all("Pod"))):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostPID", "hostIPC"} & set(pod)
        kinds = {key for volume in pod.get("volumes", []) for key in volume} - {"name"}
        assert kinds <= {"configMap", "projected", "secret", "emptyDir", "csi", "downwardAPI", "persistentVolumeClaim", "ephemeral"}
        for container in pod.get("initContainers", []) + pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, container["name"]
            assert context["capabilities"] == {"drop": ["ALL"]}, container["name"]


def test_kinds_that_nobody_knows_are_problems():
    objects = render()
    objects.one("Service", "edge-switchyard")["apiVersion"] = "v9"
    objects.one("Service", "edge-switchyard-admin")["spec"]["prots"] = []
    objects.append(objects.workload)
    objects.one("ServiceAccount")["metadata"]["labels"]["a"] = "no label"
    said = "\n".join(manifests.problems(objects, NEWEST))
    for part in ("v9 Service web/edge-switchyard: no such kind", "'prots' was unexpected", "is there twice", "is no label"):
        assert part in said


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PodMonitor"])
def test_unknown_fields_of_monitors_are_problems(kind):
    objects = render({"monitoring": {"kind": kind}, "prometheusRule": {"enabled": True}})
    assert manifests.problems(objects, OLDEST) == []
    spec = objects.one(kind)["spec"]
    (spec.get("endpoints") or spec["podMetricsEndpoints"])[0]["intervall"] = "5s"
    objects.one("PrometheusRule")["spec"]["groups"][0]["rules"][0]["fro"] = "5s"
    said = "\n".join(manifests.problems(objects, OLDEST))
    assert "'intervall' was unexpected" in said and "'fro' was unexpected" in said


def test_older_kubernetes_is_refused():
    with pytest.raises(Refused, match="kubeVersion"):
        render(kubernetes="1.29")
