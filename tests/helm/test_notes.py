"""What is said after an install: how to reach it, and what a rollout does to N sessions."""

import pytest
from lookups import notes

LOCAL = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({}, ["Deployment edge-switchyard in namespace web, with 2 pods", "ws://edge-switchyard.web.svc:8080", "kubectl port-forward"]),
        ({}, ["ready for 10 s an old one goes", "takes up to 100 s", "kill it after 110 s", "pod asks N/2 over 60s: 83 a second"]),
        ({}, ["To replace all 2 pods takes 20 s and the time of 2 starts: give", "up to 100 s more", "edge-switchyard-admin-token", "helm test edge -n web", "localhost/switchyard"]),
        (
            {"replicaCount": 10, "drain": {"over": "30m"}, "rollout": {"minReadySeconds": 60}},
            ["takes up to 30 min 40 s", "N/10 over 30m", "replace all 10 pods takes 10 min and", "up to 30 min 40 s more"],
        ),
        ({}, ["90s    drain.deadline, from when the asking begins: whoever is left is cut"]),
        ({"replicaCount": 1}, ["To replace the pod takes 10 s and the time of 1 start: give"]),
        ({"drain": {"ready_delay": "20s"}}, ["takes up to 2 min 10 s", "20s    drain.ready_delay"]),
        ({"kind": "DaemonSet"}, ["DaemonSet edge-switchyard in namespace web, with a pod on each node", "S over 60s: 167 a second"]),
        ({"hostNetwork": True}, ["One pod goes, and when it has left its ports", "the ports of the listeners at the nodes", "outside of pod security"]),
        ({"service": {"type": "LoadBalancer"}}, ["idle timeout above your pings"]),
        ({"service": LOCAL}, ["Local a load balancer finds out", "new sessions for 10 s", "ready for 10 s. Say drain.ready_delay: 10s"]),
        ({"service": LOCAL, "drain": {"ready_delay": "10s"}}, ["Local a load balancer finds out"]),
        ({"service": LOCAL, "rollout": {"minReadySeconds": 30}}, ["Local a load balancer finds out"]),
        ({"networkPolicy": {"enabled": True}, "monitoring": {"kind": "PodMonitor"}}, ["outside of namespace web cannot scrape"]),
        ({"service": {"ports": {"web": {"port": 80}}}}, ["ws://edge-switchyard.web.svc:80 "]),
        ({"adminToken": {"existingSecret": "mine", "key": "its"}}, ["kubectl get secret mine", 'index .data "its"']),
        ({"config": {"affinity_key_file": None}}, ["config.affinity_key_file is not there: a client can work out"]),
        (
            {"config": {"routes": [{"name": "a", "cluster": "app", "channels": ["news"]}]}},
            ["config.bus is `memory`", "reaches that pod's sessions alone"],
        ),
        ({"config": {"bus": {"redis": {"url": "redis://r:6379"}}}}, ["share one pace over the bus"]),
        ({"test": {"echo": {"url": "ws://a/echo"}}}, ["for an echo from ws://a/echo"]),
    ],
)
def test_they_say(values, parts, tmp_path):
    said = notes(tmp_path, values)
    assert [part for part in parts if part not in said] == [], said


QUIET = [
    {},
    {"service": LOCAL, "drain": {"ready_delay": "10s"}, "rollout": {"minReadySeconds": 30}},
    {"service": {"type": "LoadBalancer"}},
    {"service": {"type": "NodePort", "externalTrafficPolicy": "Local"}},
    {"networkPolicy": {"enabled": True}},
    {"networkPolicy": {"enabled": True, "adminFrom": [{"podSelector": {}}]}, "monitoring": {"kind": "PodMonitor"}},
]


@pytest.mark.parametrize("values", QUIET)
def test_nothing_is_said_that_does_not_matter(values, tmp_path):
    said = notes(tmp_path, values | {"image": {"repository": "registry.example.com/switchyard"}})
    assert "TO KNOW" not in said
    assert "hostNetwork" not in said


def test_no_pods_ask_nobody(tmp_path):
    said = notes(tmp_path, {"replicaCount": 0})
    assert "with 0 pods" in said
    assert "a second" not in said and "To replace" not in said


def test_the_token_itself_is_not_in_them(tmp_path):
    """They are in terminals and logs of CI."""
    said = notes(tmp_path, {})
    assert "TOKEN=$(kubectl" in said and "base64decode" in said
