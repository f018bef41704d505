"""How many pods, and how they are replaced. That the live number stays: test_lookup.py."""

import pytest
from chart import render

CPU = {
    "type": "ContainerResource",
    "containerResource": {"name": "cpu", "container": "switchyard", "target": {"type": "Utilization", "averageUtilization": 70}},
}
SESSIONS = {
    "type": "Pods",
    "pods": {"metric": {"name": "switchyard_sessions"}, "target": {"type": "AverageValue", "averageValue": "5000"}},
}


def test_a_new_pod_comes_before_an_old_one_goes():
    spec = render().workload["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert (spec["minReadySeconds"], spec["progressDeadlineSeconds"], spec["revisionHistoryLimit"]) == (10, 600, 5)
    assert spec["replicas"] == 2


def test_a_rollout_of_ones_own():
    said = {"maxSurge": "50%", "minReadySeconds": 30, "progressDeadlineSeconds": 900, "revisionHistoryLimit": 1}
    spec = render({"rollout": said, "replicaCount": 7}).workload["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": "50%", "maxUnavailable": 0}
    assert {key: spec[key] for key in said if key != "maxSurge"} == {key: said[key] for key in said if key != "maxSurge"}
    assert spec["replicas"] == 7


def test_a_daemon_set():
    spec = render({"kind": "DaemonSet", "rollout": {"minReadySeconds": 30}}).workload["spec"]
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert (spec["minReadySeconds"], spec["revisionHistoryLimit"]) == (30, 5)
    assert "replicas" not in spec


@pytest.mark.parametrize(("kind", "key"), [("Deployment", "strategy"), ("DaemonSet", "updateStrategy")])
def test_on_the_ports_of_a_node_one_goes_first(kind, key):
    spec = render({"kind": kind, "hostNetwork": True}).workload["spec"]
    assert spec[key] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


@pytest.mark.parametrize(
    ("values", "made"),
    [
        ({}, True),
        ({"replicaCount": 1}, False),
        ({"replicaCount": 0}, False),
        ({"replicaCount": 1, "autoscaling": {"enabled": True, "minReplicas": 2}}, True),
        ({"replicaCount": 5, "autoscaling": {"enabled": True, "minReplicas": 1}}, False),
        ({"kind": "DaemonSet"}, False),
        ({"podDisruptionBudget": {"enabled": False}}, False),
    ],
)
def test_a_disruption_budget_only_for_more_than_one(values, made):
    """With one pod it would hold up a node's drain for ever."""
    assert bool(render(values).all("PodDisruptionBudget")) is made


def test_disruption_budget():
    spec = render({"podDisruptionBudget": {"maxUnavailable": "34%"}}).one("PodDisruptionBudget")["spec"]
    assert spec["maxUnavailable"] == "34%"
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert render().one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize(
    ("said", "metrics"),
    [
        ({}, [CPU]),
        ({"targetSessionsPerPod": 5000}, [CPU, SESSIONS]),
        ({"targetSessionsPerPod": 5000, "targetCPUUtilizationPercentage": None}, [SESSIONS]),
    ],
)
def test_autoscaler(said, metrics):
    objects = render({"autoscaling": {"enabled": True} | said})
    spec = objects.one("HorizontalPodAutoscaler")["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "edge-switchyard"}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert spec["metrics"] == metrics
    assert objects.workload["metadata"]["name"] == spec["scaleTargetRef"]["name"]


def test_no_autoscaler_unless_asked_for():
    assert render().all("HorizontalPodAutoscaler") == []


@pytest.mark.parametrize(
    ("over", "period", "window"),
    [("60s", 100, 300), ("10m", 640, 640), ("30m", 1800, 1840), ("2h", 1800, 3600), ("0s", 40, 300)],
)
def test_down_by_one_pod_in_the_time_that_a_pod_needs(over, period, window):
    behavior = render({"drain": {"over": over}, "autoscaling": {"enabled": True}}).one("HorizontalPodAutoscaler")["spec"]["behavior"]
    assert behavior["scaleDown"] == {
        "selectPolicy": "Max",
        "stabilizationWindowSeconds": window,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": period}],
    }
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0


def test_a_behavior_of_ones_own():
    mine = {"scaleDown": {"selectPolicy": "Disabled"}}
    assert render({"autoscaling": {"enabled": True, "behavior": mine}}).one("HorizontalPodAutoscaler")["spec"]["behavior"] == mine
