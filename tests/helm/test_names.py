"""Names, labels and selectors."""

import json

import pytest
from chart import NEWEST, feature, render
from manifests import problems

SELECTOR = {
    "app.kubernetes.io/component": "gateway",
    "app.kubernetes.io/instance": "edge",
    "app.kubernetes.io/name": "switchyard",
}
EVERYTHING = {
    "autoscaling": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "monitoring": {"kind": "ServiceMonitor"},
    "prometheusRule": {"enabled": True},
    "test": {"echo": {"url": "ws://a/echo"}},
}
# The kinds that stand for others.
OTHERS = EVERYTHING | {"kind": "DaemonSet", "autoscaling": {}, "monitoring": {"kind": "PodMonitor"}}
BOTH = pytest.mark.parametrize("values", [EVERYTHING, OTHERS])


def selectors(objects):
    """Every selector that is to find the gateway's pods, with what it belongs to."""
    yield "workload", objects.workload["spec"]["selector"]["matchLabels"]
    for service in objects.all("Service"):
        yield "service", service["spec"]["selector"]
    for kind in ("PodDisruptionBudget", "PodMonitor"):
        for each in objects.all(kind):
            yield kind, each["spec"]["selector"]["matchLabels"]
    for each in objects.all("NetworkPolicy"):
        yield "NetworkPolicy", each["spec"]["podSelector"]["matchLabels"]
    for each in objects.pod.get("topologySpreadConstraints", []):
        yield "spread", each["labelSelector"]["matchLabels"]


@pytest.mark.parametrize("values", [EVERYTHING, EVERYTHING | {"monitoring": {"kind": "PodMonitor"}}])
def test_all_selectors_are_one(values):
    found = list(selectors(render(values)))
    assert len(found) == 7 + (values["monitoring"]["kind"] == "PodMonitor")
    assert [each for each in found if each[1] != SELECTOR] == []


def test_selectors_do_not_find_the_pods_of_helm_test():
    objects = render(EVERYTHING)
    assert len(objects.all("Pod")) == 2
    for pod in objects.all("Pod"):
        assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "test"


@pytest.mark.parametrize(("override", "name"), [("fullnameOverride", "gate"), ("nameOverride", "edge-gate")])
def test_selectors_never_change(override, name):
    """A Deployment's cannot be changed: what a user may change must not be in it."""
    changed = {
        "commonLabels": {"team": "realtime", "app.kubernetes.io/name": "mine"},
        "podLabels": {"tier": "edge", "app.kubernetes.io/component": "mine"},
        "image": {"tag": "9.9.9"},
        override: "gate",
    }
    objects = render(changed)
    assert objects.workload["metadata"]["name"] == name
    assert all(selector == SELECTOR for _, selector in selectors(objects))
    assert SELECTOR.items() <= objects.workload["spec"]["template"]["metadata"]["labels"].items()


@BOTH
def test_labels(values):
    objects = render(values | {"commonLabels": {"team": "realtime"}, "podLabels": {"tier": "edge"}})
    for each in objects:
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm", each["kind"]
        assert labels["app.kubernetes.io/instance"] == "edge"
        assert labels["app.kubernetes.io/version"] == "0.1.0"
        assert labels["helm.sh/chart"] == "switchyard-0.1.0"
        assert labels["team"] == "realtime"
        assert "tier" not in labels
    assert objects.workload["spec"]["template"]["metadata"]["labels"] == SELECTOR | {"team": "realtime", "tier": "edge"}


@BOTH
def test_all_is_in_the_namespace_of_the_release(values):
    assert {each["metadata"]["namespace"] for each in render(values, namespace="other")} == {"other"}


@pytest.mark.parametrize(
    ("values", "release", "name"),
    [
        ({}, "edge", "edge-switchyard"),
        ({}, "switchyard", "switchyard"),
        ({}, "my-switchyard-2", "my-switchyard-2"),
        ({"nameOverride": "gate"}, "edge", "edge-gate"),
        ({"nameOverride": "edge"}, "edge", "edge"),
        ({"fullnameOverride": "gate"}, "edge", "gate"),
        ({}, "a.b", "a-b-switchyard"),
    ],
)
def test_names(values, release, name):
    objects = render(values, release=release)
    assert objects.workload["metadata"]["name"] == name
    assert {each["metadata"]["name"] for each in objects.all("Service")} == {name, f"{name}-admin"}
    assert all(each["metadata"]["name"].startswith(name) for each in objects)


@pytest.mark.parametrize("word", ["123", "1e3", "0x10", "true", "null", "on", "y"])
@BOTH
def test_words_that_yaml_takes_for_something_else(values, word):
    """As names of all that a user calls something; but what begins with a digit is no name of a Service."""
    named = {
        "fullnameOverride": word if word.isalpha() else f"n{word}",
        "nameOverride": word,
        "priorityClassName": word,
        "secrets": {"a": word},
        "affinityKey": {"existingSecret": word, "key": word},
        "serviceAccount": {"name": word},
        "service": {"type": "LoadBalancer", "loadBalancerClass": word, "ports": {"web": {"appProtocol": word}}},
    }
    found = render(values | named, release=word, namespace=word)
    assert problems(found, NEWEST) == []
    assert {each["metadata"]["namespace"] for each in found} == {word}
    assert found.pod["serviceAccountName"] == found.one("Service", named["fullnameOverride"])["spec"]["ports"][0]["appProtocol"] == word


LONG = [
    {},
    {"fullnameOverride": "f" * 80},
    {"fullnameOverride": "f" * 50 + "--f"},
    {"nameOverride": "n" * 80},
    {"nameOverride": "n" * 61 + ".-n"},
]


@pytest.mark.parametrize("values", LONG)
def test_long_names_are_cut_to_what_kubernetes_takes(values):
    assert problems(render(EVERYTHING | values, release="r" * 53), NEWEST) == []


def test_two_releases_in_one_namespace_share_nothing():
    def identities(release):
        return {(each["kind"], each["metadata"]["name"]) for each in render(EVERYTHING, release=release)}

    assert not identities("one") & identities("two")


def test_extras_are_where_they_belong():
    objects = feature("extras")
    assert objects.workload["metadata"]["name"] == "gateway"
    template = objects.workload["spec"]["template"]
    assert template["metadata"]["annotations"] == {"example.com/seen": "1"}
    assert template["metadata"]["labels"]["tier"] == "edge"
    pod = template["spec"]
    assert pod["serviceAccountName"] == "edge" == objects.one("ServiceAccount")["metadata"]["name"]
    assert objects.one("ServiceAccount")["metadata"]["annotations"] == {"example.com/role": "edge"}
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert {"name": "TZ", "value": "UTC"} in objects.gateway["env"]
    assert {"log", "podinfo"} < {volume["name"] for volume in pod["volumes"]}
    assert {"/var/log/switchyard", "/etc/podinfo"} < {mount["mountPath"] for mount in objects.gateway["volumeMounts"]}
    assert [container["name"] for container in pod["containers"]] == ["switchyard", "access-log"]
    assert "ignored" not in json.dumps(objects)
