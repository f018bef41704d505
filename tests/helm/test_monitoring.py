"""What Prometheus is told."""

import pytest
import yaml
from chart import CHART, named, render

RULES = yaml.safe_load((CHART / "files/alerts.yaml").read_text())
ALERTS = [rule["alert"] for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
ENDPOINT = {
    "port": "admin",
    "path": "/metrics",
    "scheme": "http",
    "honorLabels": True,  # the metrics have an `endpoint` of their own
    "authorization": {"type": "Bearer", "credentials": {"name": "edge-switchyard-admin-token", "key": "admin-token"}},
}
KINDS = pytest.mark.parametrize(("kind", "endpoints"), [("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints")])


def test_nothing_unless_asked_for():
    objects = render()
    assert not objects.all("ServiceMonitor") + objects.all("PodMonitor") + objects.all("PrometheusRule")


@KINDS
def test_monitor(kind, endpoints):
    objects = render({"monitoring": {"kind": kind}})
    assert objects.one(kind)["spec"][endpoints] == [ENDPOINT]
    assert {each["kind"] for each in objects} & {"ServiceMonitor", "PodMonitor"} == {kind}


@KINDS
def test_a_monitor_of_ones_own(kind, endpoints):
    drop = {"sourceLabels": ["__name__"], "regex": "a.*", "action": "drop"}
    said = {"kind": kind, "interval": "15s", "labels": {"release": "prometheus"}, "metricRelabelings": [drop]}
    monitor = render({"monitoring": said}).one(kind)
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"][endpoints] == [ENDPOINT | {"interval": "15s", "metricRelabelings": [drop]}]


def test_the_service_monitor_finds_the_admin_service_alone():
    objects = render({"monitoring": {"kind": "ServiceMonitor"}})
    wanted = objects.one("ServiceMonitor")["spec"]["selector"]["matchLabels"].items()
    found = [service["metadata"]["name"] for service in objects.all("Service") if wanted <= service["metadata"]["labels"].items()]
    assert found == ["edge-switchyard-admin"]
    named(objects.one("Service", found[0])["spec"]["ports"], "admin")


def test_the_pod_monitor_finds_the_pods():
    objects = render({"monitoring": {"kind": "PodMonitor"}})
    wanted = objects.one("PodMonitor")["spec"]["selector"]["matchLabels"].items()
    assert wanted <= objects.workload["spec"]["template"]["metadata"]["labels"].items()
    named(objects.gateway["ports"], "admin")


@pytest.mark.parametrize(
    ("values", "credentials"),
    [
        ({"adminToken": {"existingSecret": "mine", "key": "k"}}, {"name": "mine", "key": "k"}),
        (
            {"secrets": {"s": "theirs"}, "config": {"admin": {"token_file": "/etc/switchyard/secrets/s/token"}}},
            {"name": "theirs", "key": "token"},
        ),
    ],
)
def test_the_token_is_where_the_gateway_has_it(values, credentials):
    monitor = render(values | {"monitoring": {"kind": "ServiceMonitor"}}).one("ServiceMonitor")
    assert monitor["spec"]["endpoints"][0]["authorization"]["credentials"] == credentials


def test_rules_arrive_as_they_are_written():
    """`{{ $labels.x }}` is Prometheus's to expand."""
    rule = render({"prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}}}).one("PrometheusRule")
    assert rule["spec"]["groups"] == RULES["groups"]
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert "{{ $labels." in str(rule["spec"]) and len(ALERTS) > 5


@pytest.mark.parametrize("url", ["https://git.example.com/switchyard/blob/main/", "https://git.example.com/switchyard/blob/main"])
def test_runbooks_can_be_followed(url):
    groups = render({"prometheusRule": {"enabled": True, "runbookUrl": url}}).one("PrometheusRule")["spec"]["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert [rule["alert"] for rule in alerts] == ALERTS
    for rule in alerts:
        told = rule["annotations"]
        assert told.pop("runbook_url") == f"https://git.example.com/switchyard/blob/main/docs/operations/prometheus.md#{rule['alert'].lower()}"
    assert groups == RULES["groups"]


def test_alerts_that_are_left_out():
    groups = render({"prometheusRule": {"enabled": True, "disabled": ALERTS[:2]}}).one("PrometheusRule")["spec"]["groups"]
    assert [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule] == ALERTS[2:]


def test_a_group_without_rules_is_left_out():
    groups = render({"prometheusRule": {"enabled": True, "disabled": ALERTS}}).one("PrometheusRule")["spec"]["groups"]
    assert groups and all(group["rules"] for group in groups)
