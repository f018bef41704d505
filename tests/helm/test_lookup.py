"""What an upgrade leaves as it is in the cluster: the two secrets, the number of pods, the ConfigMaps of pods that leave; and
what is said of a change that would hurt."""

import base64
import itertools

import pytest
from chart import Refused, render
from lookups import notes, render_in

AUTOSCALED = {"autoscaling": {"enabled": True}}
NUMBERS = itertools.count(1)
ENTRIES = pytest.mark.parametrize("entry", ["affinity-key", "admin-token"])


def secret(name, data):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "web"}, "data": data}


def deployment(replicas, name="edge-switchyard", namespace="web", annotations=None):
    metadata = {"name": name, "namespace": namespace, "annotations": annotations or {}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}}


def config_map(version):
    metadata = {"name": f"edge-switchyard-{version}", "namespace": "web"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"switchyard.yaml": "listeners: []\n"}}


def pod(version, instance="edge"):
    """One that has the ConfigMap of this version."""
    labels = render().workload["spec"]["selector"]["matchLabels"] | {"app.kubernetes.io/instance": instance, "pod-template-hash": "1"}
    volumes = [{"name": "keys", "projected": {}}, {"name": "config", "configMap": {"name": f"edge-switchyard-{version}"}}]
    metadata = {"name": f"p-{next(NUMBERS)}", "namespace": "web", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"volumes": volumes}}


OTHER = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "o", "namespace": "web"}, "spec": {"volumes": [{"name": "config", "emptyDir": {}}]}}


@ENTRIES
def test_a_secret_stays(entry, tmp_path):
    name = f"edge-switchyard-{entry}"
    kept = base64.b64encode(b"what was made at the first install").decode()
    objects, asked = render_in([secret(name, {entry: kept})], tmp_path, {})
    assert objects.one("Secret", name)["data"] == {entry: kept}
    assert f"/api/v1/namespaces/web/secrets/{name}" in asked


@ENTRIES
def test_one_that_is_not_there_is_made(entry, tmp_path):
    objects, _ = render_in([secret("another", {entry: "eA=="})], tmp_path, {})
    assert len(base64.b64decode(objects.one("Secret", f"edge-switchyard-{entry}")["data"][entry])) >= 32


@ENTRIES
def test_one_that_lost_its_entry_is_not_made_anew_silently(entry, tmp_path):
    with pytest.raises(Refused, match=f'edge-switchyard-{entry} is there and has no entry "{entry}"'):
        render_in([secret(f"edge-switchyard-{entry}", {"other": "eA=="})], tmp_path, {})


LEFT = {"switchyard/replicas": "autoscaler"}


def replicas(objects):
    """The number that is said, and whether it is said that there is none."""
    return objects.workload["spec"].get("replicas"), objects.workload["metadata"].get("annotations")


@pytest.mark.parametrize("cluster", [[], [deployment(7, name="other")], [deployment(7, namespace="other")]])
def test_an_autoscaler_has_the_number_from_the_first(cluster, tmp_path):
    assert replicas(render_in(cluster, tmp_path, AUTOSCALED)[0]) == (None, LEFT)
    assert replicas(render(AUTOSCALED)) == (None, LEFT)


@pytest.mark.parametrize("live", [0, 1, 7, 40])
def test_it_stays_the_autoscalers(live, tmp_path):
    assert replicas(render_in([deployment(live, annotations=LEFT)], tmp_path, AUTOSCALED)[0]) == (None, LEFT)


@pytest.mark.parametrize(("live", "wanted"), [(2, 2), (4, 4), (7, 7), (10, 10), (1, 2), (0, 2), (40, 10)])
def test_one_that_comes_later_has_the_live_number(live, wanted, tmp_path):
    """To leave `replicas` out would have the API server say 1, at each upgrade from then on."""
    found, _ = render_in([deployment(live, annotations={"other": "a"})], tmp_path, AUTOSCALED | {"replicaCount": 3})
    assert replicas(found) == (wanted, None)


def test_an_autoscaler_that_goes_leaves_the_number_to_the_user(tmp_path):
    found, _ = render_in([deployment(7, annotations=LEFT)], tmp_path, {"replicaCount": 3})
    assert replicas(found) == (3, None)


@pytest.mark.parametrize(
    ("annotations", "values", "warned"),
    [({}, AUTOSCALED, "bring that number back"), (LEFT, {}, "to one pod"), (LEFT, AUTOSCALED, None), ({}, {}, None)],
)
def test_whoever_switches_is_told_how_to_go_back(annotations, values, warned, tmp_path):
    said = notes(tmp_path, values, [deployment(7, annotations=annotations)])
    assert ("Go back by `helm upgrade`" in said) is bool(warned)
    assert warned is None or warned in said
    assert f"with {7 if values else 2} pods" in said


def test_without_an_autoscaler_the_number_is_the_users(tmp_path):
    objects, _ = render_in([deployment(7)], tmp_path, {"replicaCount": 3})
    assert objects.workload["spec"]["replicas"] == 3


def test_the_config_maps_of_all_pods_that_are_there_stay(tmp_path):
    """Those of two versions before as well: a pod may take hours to leave."""
    cluster = [config_map("aaaaaaaa"), config_map("bbbbbbbb"), config_map("cccccccc"), config_map("dddddddd")]
    cluster += [pod("aaaaaaaa"), pod("aaaaaaaa"), pod("bbbbbbbb"), pod("cccccccc", instance="other"), pod("eeeeeeee"), OTHER]
    objects, _ = render_in(cluster, tmp_path, {"drain": {"over": "2m"}})
    ours = objects.config_map["metadata"]
    kept = [each for each in objects.all("ConfigMap") if each["metadata"]["name"] != ours["name"]]
    assert [each["metadata"]["name"][-8:] for each in kept] == ["aaaaaaaa", "bbbbbbbb"], "not that of another's pods, nor one that is not there"
    for each in kept:
        assert each["data"] == cluster[0]["data"]
        assert (each["metadata"]["namespace"], each["metadata"]["labels"]) == (ours["namespace"], ours["labels"])
    assert objects.config["drain"]["over"] == "2m"


def test_there_is_one_config_map_when_nothing_of_it_makes_new_pods(tmp_path):
    live = render().config_map
    name = live["metadata"]["name"]
    objects, _ = render_in([live, pod(name[-8:])], tmp_path, {"config": {"log": {"access": "off"}}})
    assert [each["metadata"]["name"] for each in objects.all("ConfigMap")] == [name]
    assert objects.config["log"] == {"access": "off"}


@pytest.mark.parametrize(("there", "wanted"), [("Deployment", "DaemonSet"), ("DaemonSet", "Deployment")])
def test_another_kind_would_have_all_pods_leave_at_once(there, wanted, tmp_path):
    live = deployment(2) | {"kind": there}
    assert render_in([live], tmp_path, {"kind": there})[0].workload["kind"] == there
    with pytest.raises(Refused, match=f"kind: the release is a {there}, .* Install a second release with kind: {wanted}"):
        render_in([live], tmp_path, {"kind": wanted})


@pytest.mark.parametrize(("port", "warned"), [(8080, False), (8081, True)])
def test_a_listener_that_moves_is_told(port, warned, tmp_path):
    said = notes(tmp_path, {"config": {"listeners": [{"name": "web", "address": f"0.0.0.0:{port}"}]}}, [render().one("Service", "edge-switchyard")])
    assert ("Listener web moves from port 8080 to 8081" in said) is warned
