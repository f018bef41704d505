"""Values that cannot be meant do not render, and what is said has the value, the reason and what to do."""

import re

import pytest
from chart import CHART, refusal

LISTENER = {"name": "web", "address": "0.0.0.0:8080"}


def listeners(*addresses, **more):
    return {"config": {"listeners": [{"name": f"l{n}", "address": a} for n, a in enumerate(addresses)]}, **more}


REFUSED = [
    ({"image": {"repository": "r.example.com:5000/switchyard:1.2"}}, ["ends in a tag", 'repository: r.example.com:5000/switchyard and image.tag: "1.2".']),
    ({"image": {"repository": "switchyard@sha256:12"}}, ["ends in a digest", 'repository: switchyard and image.digest: "sha256:12".']),
    ({"image": {"repository": "switchyard:1@sha256:12"}}, ["ends in a digest", 'repository: switchyard and image.digest: "sha256:12".']),
    ({"extraVolumes": [{"name": "config", "emptyDir": {}}]}, ['extraVolumes: "config" is the name of a volume of the chart']),
    ({"extraVolumes": [{"name": "keys", "emptyDir": {}}]}, ['extraVolumes: "keys" is']),
    ({"secrets": {"a": "a"}, "extraVolumes": [{"name": "secret-a", "emptyDir": {}}]}, ['extraVolumes: "secret-a" is']),
    ({"config": {"admin": None}}, ["config.admin is not there", "0.0.0.0:9901"]),
    ({"config": {"admin": {"address": "127.0.0.1:9901"}}}, ["127.0.0.1:9901 is on the loopback", "0.0.0.0:9901"]),
    ({"config": {"admin": {"address": "[::1]:9901"}}}, ["[::1]:9901 is on the loopback"]),
    ({"config": {"admin": {"token_file": None}}}, ["config.admin.token_file is not there"]),
    ({"config": {"admin": {"address": "0.0.0.0:0"}}}, ["config.admin: port 0 is none"]),
    (listeners("0.0.0.0:0"), ['config.listeners "l0": port 0 is none']),
    (listeners("0.0.0.0:70000"), ["port 70000 is none"]),
    (listeners("localhost:8080"), ['"localhost:8080" is no address']),
    (listeners("0.0.0.0:80"), ["only root may listen on port 80", "ip_unprivileged_port_start", 'value: "80"']),
    (
        listeners("0.0.0.0:79") | {"podSecurityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"}]}},
        ["only root may listen on port 79"],
    ),
    (listeners("127.0.0.1:8080"), ["127.0.0.1:8080 is on the loopback", "service.ports.l0.expose: false"]),
    (listeners("0.0.0.0:9901"), ["port 9901 is that of config.admin"]),
    (listeners("0.0.0.0:8080", "127.0.0.2:8080", service={"ports": {"l1": {"expose": False}}}), ['port 8080 is that of listener "l0"']),
    (
        {"config": {"listeners": [{"name": "a.b", "address": "0.0.0.0:8080"}, {"name": "A_b", "address": "0.0.0.0:8081"}]}},
        ['as the name of a port in the Service it is "a-b", like listener "a.b"'],
    ),
    ({"fullnameOverride": "2nd"}, ["a Service cannot be called 2nd", "begins with a letter"]),
    ({"service": {"ports": {"wbe": {"port": 80}}}}, ["service.ports.wbe: there is no such listener", "which has web"]),
    ({"service": {"ports": {"web": {"nodePort": 30080}}}}, ["service.ports.web.nodePort: a Service of type ClusterIP has none"]),
    ({"service": {"ports": {"web": {"expose": False}}}}, ["no listener is exposed"]),
    (listeners("0.0.0.0:8080", "0.0.0.0:8081", service={"ports": {"l1": {"port": 8080}}}), ["port 8080 of the Service is that of listener"]),
    ({"service": {"externalTrafficPolicy": "Local"}}, ["service.externalTrafficPolicy", "ClusterIP has no traffic from outside"]),
    ({"service": {"loadBalancerClass": "x"}}, ["service.loadBalancerClass: only a Service of type LoadBalancer"]),
    ({"service": {"loadBalancerSourceRanges": ["10.0.0.0/8"]}}, ["service.loadBalancerSourceRanges: only a Service of type LoadBalancer"]),
    ({"drain": {"over": "5 minutes"}}, ['drain.over: "5 minutes" is no duration', "such as 90s"]),
    ({"drain": {"ready_delay": "-5s"}}, ["drain.ready_delay"]),
    ({"drain": {"deadline": "1d"}}, ["drain.deadline"]),
    ({"drain": {"margin": "10"}}, ["drain.margin"]),
    ({"drain": {"over": "8761h", "deadline": "8760h"}}, ["drain.over: 8761h is longer than 8760h"]),
    ({"drain": {"over": "8760h"}}, ["drain.deadline: 31536030s is longer than 8760h", "it is drain.over and 30 s"]),
    ({"drain": {"over": "999999999999999h"}}, ["drain.over: 999999999999999h is longer than 8760h"]),
    ({"drain": {"margin": "99999999999999999999s"}}, ["drain.margin: 99999999999999999999s is longer than 8760h"]),
    ({"config": {"drain": {"ready_delay": "31536000001ms"}}}, ["drain.ready_delay: 31536000001ms is longer than 8760h"]),
    ({"drain": {"over": "2m"}, "config": {"drain": {"over": "121s"}}}, ["drain.over is 2m and config.drain.over is 121s"]),
    ({"drain": {"ready_delay": "2s"}, "config": {"drain": {"ready_delay": "3s"}}}, ["drain.ready_delay is 2s and"]),
    ({"drain": {"deadline": "2m"}, "config": {"drain": {"deadline": "3m"}}}, ["drain.deadline is 2m and"]),
    ({"drain": {"over": "2m", "deadline": "119s"}}, ["drain.deadline: 119s is less than drain.over, 2m"]),
    ({"config": {"drain": {"over": "2m", "deadline": "119999ms"}}}, ["119999ms is less than drain.over, 2m"]),
    ({"drain": {"over": "30m"}, "terminationGracePeriodSeconds": 1800}, ["terminationGracePeriodSeconds: 1800 would", "needs 1840 s"]),
    ({"kind": "DaemonSet", "autoscaling": {"enabled": True}}, ["a DaemonSet has one pod a node"]),
    ({"autoscaling": {"enabled": True, "minReplicas": 11}}, ["autoscaling.minReplicas: 11 is more than autoscaling.maxReplicas, 10"]),
    ({"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": None}}, ["there is nothing to go by"]),
    ({"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}}, ["it is a part of resources.requests.cpu"]),
    ({"podDisruptionBudget": {"maxUnavailable": 0}}, ["podDisruptionBudget.maxUnavailable: with 0 no node"]),
    ({"podDisruptionBudget": {"maxUnavailable": "0%"}}, ["with 0% no node"]),
    ({"rollout": {"maxSurge": 0}}, ["rollout.maxSurge: with 0 no pod"]),
    ({"rollout": {"progressDeadlineSeconds": 10}}, ["10 has to be more than rollout.minReadySeconds, 10"]),
    ({"hostNetwork": True, "rollout": {"progressDeadlineSeconds": 120}}, ["120 is over before a rollout", "Say more than 120"]),
    (
        {"hostNetwork": True, "podSecurityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"}]}},
        ["net.ipv4.ip_unprivileged_port_start is the node's with hostNetwork"],
    ),
    ({"config": {"affinity_key_file": "/etc/switchyard/keys/other"}}, ["/etc/switchyard/keys/other", "will not be there"]),
    ({"config": {"affinity_key_file": "/etc/switchyard/secrets/mine/key"}}, ['`secrets` has no "mine"']),
    ({"secrets": {"Mine": "a"}}, ["secrets.Mine: a volume cannot have this name"]),
    ({"config": {"affinity_key_file": None}, "affinityKey": {"existingSecret": "a"}}, ["affinityKey.existingSecret: nothing reads it"]),
    (
        {"secrets": {"s": "s"}, "config": {"admin": {"token_file": "/etc/switchyard/secrets/s/t"}}, "adminToken": {"existingSecret": "a"}},
        ["adminToken.existingSecret: nothing reads it"],
    ),
    (
        {"monitoring": {"kind": "PodMonitor"}, "config": {"admin": {"token_file": "/run/token"}}},
        ["monitoring.kind: which Secret has the token", "/run/token"],
    ),
    ({"prometheusRule": {"enabled": True, "disabled": ["Nothing"]}}, ['there is no alert "Nothing"']),
    ({"test": {"echo": {"url": "http://a"}}}, ['test.echo.url: "http://a" is no WebSocket']),
    ({"test": {"echo": {"url": "ws://a", "listener": "other"}}}, ['the Service has no "other"', "Say one of web"]),
    (
        {"test": {"echo": {"url": "ws://a"}}, "config": {"listeners": [LISTENER | {"proxy_protocol": "any"}]}},
        ['test.echo.listener: "web" wants a PROXY header'],
    ),
    ({"test": {"echo": {"url": "wss://a"}}}, ['"wss://a" is encrypted, and listener "web"', "has no `tls`. Say ws://"]),
    (
        {"test": {"echo": {"url": "ws://a"}}, "config": {"listeners": [LISTENER | {"tls": {"certificates": [{"cert": "/c", "key": "/k"}]}}]}},
        ['"ws://a" is not encrypted, and listener "web"', "has `tls`. Say wss://"],
    ),
    ({"test": {"echo": {"url": "wss://a", "ca": "none"}}}, ['test.echo.ca: `secrets` has no "none"']),
]


@pytest.mark.parametrize(("values", "parts"), REFUSED)
def test_refused(values, parts):
    said = refusal(values)
    assert [part for part in parts if part not in said] == [], said


def test_all_that_is_wrong_is_told_at_once():
    said = refusal({"drain": {"over": "x"}, "rollout": {"maxSurge": 0}, "test": {"echo": {"url": "x"}}})
    assert all(part in said for part in ("drain.over", "rollout.maxSurge", "test.echo.url"))


# Said of what is in the cluster: test_lookup.py has it.
ELSEWHERE = ["is there and has no entry", "- kind: the release is a"]


def test_each_problem_of_the_chart_is_here():
    said = "\n".join(refusal(values) for values, _ in REFUSED)
    for file in CHART.glob("templates/_problems-*.tpl"):
        for line in file.read_text().splitlines():
            if line.startswith("- ") and not any(part in line for part in ELSEWHERE):
                fixed = re.split(r"\{\{.*?\}\}", re.split(r"\{\{ (?:if|range) ", line)[0])
                pattern = ".*".join(re.escape(part) for part in fixed)
                assert re.search(f"^{pattern}", said, re.MULTILINE), f"no test sees this one: {line}"
