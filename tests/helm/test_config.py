"""The gateway's configuration on its way into the pod."""

import pytest
import yaml
from chart import ROOT, Strict, render

DRAIN = {"over": "60s", "ready_delay": "5s", "deadline": "90s"}


def test_it_arrives_unchanged_but_for_drain():
    values = yaml.load((ROOT / "helm/switchyard/values.yaml").read_text(), Strict)
    assert render().config == values["config"] | {"drain": DRAIN}


def test_numbers_words_and_texts_arrive_as_they_were():
    listener = {"name": "web", "address": "0.0.0.0:8080", "max_connections": 10_000_000, "http2": True, "proxy_protocol": False}
    route = {"name": "all", "cluster": "app", "websocket": {"subprotocols": ["1.2", "on", "0x10", "1e3"], "max_message": False}}
    config = render({"config": {"listeners": [listener], "routes": [route]}}).config
    assert config["listeners"] == [listener]
    assert config["routes"] == [route]


def test_templates_in_it_are_not_expanded():
    route = {"name": "all", "cluster": "app", "match": {"path": "/rooms/{room}"}, "channels": ["room:{path.room}"]}
    assert render({"config": {"routes": [route]}}).config["routes"] == [route]


RELOADED = [
    {"routes": [{"name": "other", "cluster": "app"}]},
    {"listeners": [{"name": "web", "address": "0.0.0.0:8080"}, {"name": "more", "address": "0.0.0.0:8081"}]},
    {"trusted_proxies": ["10.0.0.0/8"]},
    {"drain": {"order": "random", "close": {"code": 1001}}},
    {"log": {"access": "off"}},
]
RESTARTED = [
    {"bus": {"redis": {"url": "redis://redis:6379"}}},
    {"workers": 3},
    {"drain": {"over": "2m"}},
    {"drain": {"deadline": "2m"}},
    {"drain": {"ready_delay": "2s"}},
]


@pytest.mark.parametrize("config", RELOADED)
def test_a_change_is_taken_by_reload(config):
    """No new pods: the template is the same, and so is the ConfigMap that it names."""
    before, after = render(), render({"config": config})
    assert before.config != after.config
    assert before.workload == after.workload
    assert before.config_map["metadata"] == after.config_map["metadata"]


@pytest.mark.parametrize("config", RESTARTED)
def test_a_change_that_a_running_gateway_cannot_take_makes_new_pods(config):
    before, after = render(), render({"config": config})
    assert before.workload["spec"]["template"] != after.workload["spec"]["template"]


@pytest.mark.parametrize(
    ("said", "otherwise"),
    [
        ({"config": {"bus": "memory"}}, {}),
        ({"config": {"workers": 2}}, {}),
        ({"config": {"workers": "auto"}}, {"config": {"workers": None}}),
        ({"drain": {"over": "1m", "ready_delay": "5000ms"}}, {}),
        ({"config": {"drain": {"over": "0060s", "deadline": "90s"}}}, {}),
    ],
)
def test_what_says_the_same_in_other_words_is_no_change(said, otherwise):
    assert render(said).workload == render(otherwise).workload


FIXED = [
    {"config": {"clusters": [{"name": "app", "endpoints": [{"address": "10.0.0.1:80"}]}]}},
    {"secrets": {"tls": "web-tls"}},
    {"affinityKey": {"existingSecret": "edge"}},
    {"config": {"admin": {"address": "0.0.0.0:9902"}}},
    {"image": {"tag": "9.9.9"}},
    {"extraVolumeMounts": [{"name": "keys", "mountPath": "/other"}]},
    *({"config": config} for config in RESTARTED),
]


@pytest.mark.parametrize("values", FIXED)
def test_pods_that_are_there_keep_their_configuration_where_it_comes_with_other_pods(values):
    """A first cluster of Kubernetes, say, would have those without a token answer 503."""
    assert render(values).config_map["metadata"]["name"] != render().config_map["metadata"]["name"]


def test_a_new_version_of_the_chart_is_no_change():
    """Unless the image is another."""
    template = render().workload["spec"]["template"]
    assert "helm.sh/chart" not in template["metadata"]["labels"]
    assert "app.kubernetes.io/version" not in template["metadata"]["labels"]
