"""What values are refused by their schema, and what is not."""

import json
import shutil
import tomllib

import jsonschema
import pytest
import yaml
from chart import CHART, ROOT, Strict, helm, refusal, render

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.load((CHART / "values.yaml").read_text(), Strict)
CONFIGS = sorted([*(ROOT / "config").glob("*.yaml"), *(ROOT / "config/examples").glob("*.yaml")], key=lambda file: file.name)
# helm 3 reads it by the first of the two, later ones may by the second.
DRAFTS = pytest.mark.parametrize("draft", [jsonschema.Draft7Validator, jsonschema.Draft202012Validator])

LISTENER = {"name": "web", "address": "0.0.0.0:8080"}
REFUSED = [
    ({"bogus": 1}, "(root): Additional property bogus is not allowed"),
    ({"Drain": {}}, "(root): Additional property Drain is not allowed"),
    ({"drain": {"ovr": "5m"}}, "drain: Additional property ovr is not allowed"),
    ({"drain": {"over": 60}}, "drain.over: Invalid type. Expected: string, given: integer"),
    ({"drain": None}, "(root): drain is required"),
    ({"service": {"type": None}}, "service: type is required"),
    ({"service": {"ports": {"web": {"prot": 80}}}}, "service.ports.web: Additional property prot is not allowed"),
    ({"service": {"ports": {"web": {"port": 70000}}}}, "service.ports.web.port: Must be less than or equal to 65535"),
    ({"service": {"type": "ExternalName"}}, "service.type: service.type must be one of"),
    ({"kind": "StatefulSet"}, "kind: kind must be one of"),
    ({"replicaCount": "2"}, "replicaCount: Invalid type. Expected: integer, given: string"),
    ({"replicaCount": -1}, "replicaCount: Must be greater than or equal to 0"),
    ({"image": {"digest": "sha256:1"}}, "image.digest: Does not match pattern"),
    ({"image": {"pullSecrets": ["name"]}}, "image.pullSecrets.0: Invalid type. Expected: object, given: string"),
    ({"commonLabels": {"a": 1}}, "commonLabels.a: Invalid type. Expected: string, given: integer"),
    ({"podAnnotations": {"a": True}}, "podAnnotations.a: Invalid type. Expected: string, given: boolean"),
    ({"terminationGracePeriodSeconds": "100"}, "terminationGracePeriodSeconds: Invalid type. Expected: [integer,null], given: string"),
    ({"autoscaling": {"enabled": "yes"}}, "autoscaling.enabled: Invalid type. Expected: boolean, given: string"),
    ({"autoscaling": {"minReplicas": 0}}, "autoscaling.minReplicas: Must be greater than or equal to 1"),
    ({"probes": {"liveness": {"httpGet": {}}}}, "probes.liveness: Additional property httpGet is not allowed"),
    ({"probes": {"readiness": {"terminationGracePeriodSeconds": 30}}}, "probes.readiness: Additional property terminationGracePeriodSeconds is not"),
    ({"probes": {"liveness": {"successThreshold": 2}}}, "probes.liveness: Additional property successThreshold is not allowed"),
    ({"podSecurityContext": {"fsgroup": 1}}, "podSecurityContext: Additional property fsgroup is not allowed"),
    ({"podSecurityContext": {"runAsNonRoot": False}}, "podSecurityContext.runAsNonRoot: podSecurityContext.runAsNonRoot must be one of"),
    ({"podSecurityContext": {"runAsUser": 0}}, "podSecurityContext.runAsUser: Must be greater than or equal to 1"),
    ({"podSecurityContext": {"seccompProfile": {"type": "Unconfined"}}}, "podSecurityContext.seccompProfile.type must be one of"),
    ({"podSecurityContext": {"sysctls": [{"name": "a", "value": 1}]}}, "podSecurityContext.sysctls.0.value: Invalid type. Expected: string"),
    ({"prometheusRule": {"runbookUrl": "git.example.com"}}, "prometheusRule.runbookUrl: Does not match pattern"),
    ({"secrets": {"tls": ["a"]}}, "secrets.tls: Invalid type. Expected: string, given: array"),
    ({"monitoring": {"kind": "Monitor"}}, "monitoring.kind: monitoring.kind must be one of"),
    ({"test": {"ehco": {}}}, "test: Additional property ehco is not allowed"),
    ({"config": {"listner": []}}, "config: Additional property listner is not allowed"),
    ({"config": {"listeners": None}}, "config: listeners is required"),
    ({"config": {"listeners": []}}, "config.listeners: Array must have at least 1 items"),
    ({"config": {"listeners": [LISTENER | {"adress": "a"}]}}, "config.listeners.0: Additional property adress is not allowed"),
    ({"config": {"listeners": [LISTENER | {"max_connections": "many"}]}}, "config.listeners.0.max_connections: Invalid type. Expected: integer"),
    ({"config": {"listeners": [LISTENER | {"handshake_timeout": 5}]}}, "config.listeners.0.handshake_timeout: Invalid type. Expected: string"),
    ({"config": {"drain": {"over": "1 h"}}}, "config.drain.over: Does not match pattern"),
    ({"config": {"drain": {"order": "newest_first"}}}, "config.drain.order: config.drain.order must be one of"),
    ({"config": {"clusters": [{"name": "a", "kubernetes": {"service": "s"}}]}}, "config.clusters.0.kubernetes: port is required"),
    ({"config": {"routes": [{"name": "a", "cluster": "a", "match": {"pth": "/"}}]}}, "config.routes.0.match: Additional property pth"),
]


@pytest.mark.parametrize(("values", "said"), REFUSED)
def test_refused_with_the_path(values, said):
    assert said in refusal(values)


def test_it_may_be_a_part_of_another_chart(tmp_path):
    """Which has globals for all of its parts."""
    shutil.copytree(CHART, tmp_path / "charts/switchyard")
    dependency = {"name": "switchyard", "version": "0.1.0"}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "whole", "version": "1.0.0", "dependencies": [dependency]}))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({"global": {"registry": "a"}, "switchyard": {"drain": {"over": "2m"}}}))
    rendered = helm("template", "edge", str(tmp_path), "--namespace", "web")
    alone = helm("template", "edge", str(CHART), "--namespace", "web", "--set", "drain.over=2m")
    assert _without_keys(rendered) == _without_keys(alone)


def _without_keys(text):
    """What is rendered, but for the two Secrets that are made anew each time; without comments, which name files."""
    return [each for each in yaml.load_all(text, Strict) if each and each["kind"] != "Secret"]


@DRAFTS
def test_the_schema_is_one(draft):
    draft.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    draft(SCHEMA).validate(DEFAULTS)


@DRAFTS
@pytest.mark.parametrize(("values", "_"), REFUSED)
def test_each_draft_refuses_it(draft, values, _):
    assert not draft(SCHEMA).is_valid(_over(DEFAULTS, values))


@DRAFTS
@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_each_example_is_a_config(draft, file):
    config = yaml.load(file.read_text(), Strict)
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in draft(SCHEMA).iter_errors(DEFAULTS | {"config": config})]
    assert problems == []


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_each_example_renders(file):
    """With addresses that a pod can have, and without the files of whoever wrote it."""
    config = yaml.load(file.read_text(), Strict)
    for number, listener in enumerate(config["listeners"]):
        listener["address"] = f"0.0.0.0:{8080 + number}"
    config.pop("admin", None)
    config.pop("affinity_key_file", None)
    rendered = render({"config": config}).config
    given = {key: value for key, value in config.items() if key != "drain"}
    assert {key: rendered[key] for key in given} == given


def test_objects_of_ours_are_closed_and_all_is_described():
    found = list(_objects(SCHEMA, ""))
    assert len(found) > 50
    assert [path for path, schema in found if schema.get("additionalProperties") is not False] == []
    plain = [f"{path}.{key}" for path, schema in found for key, value in schema["properties"].items() if not _described(path, value)]
    assert plain == []


def test_words_that_yaml_takes_for_truth_may_be_truth():
    """helm reads `on` as true, and the gateway's own YAML does not."""
    words = {"on": True, "yes": True, "y": True, "off": False, "no": False, "n": False}
    for values in _choices(SCHEMA["properties"]["config"]):
        assert all(any(each is truth for each in values) for word, truth in words.items() if word in values), values


def test_patterns_are_for_go():
    assert [pattern for pattern in _patterns(SCHEMA) if "(?" in pattern] == []


def test_the_version_is_that_of_the_gateway():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert chart["kubeVersion"] == ">=1.30.0-0"


def _over(defaults, values):
    """As helm merges: null takes away."""
    merged = dict(defaults)
    for key, value in values.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _over(merged[key], value)
        else:
            merged[key] = value
    return merged


def _objects(schema, path):
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield path, schema
        for key, inner in schema.items():
            yield from _objects(inner, f"{path}.{key}")
    elif isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from _objects(inner, f"{path}.{number}")


def _described(path, schema):
    """A group of values, and a choice of one that stands for itself, need no words."""
    return "description" in schema or "properties" in schema or "oneOf" in path or "anyOf" in path


def _choices(schema):
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list):
            yield schema["enum"]
        for inner in schema.values():
            yield from _choices(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _choices(inner)


def _patterns(schema):
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for inner in schema.values():
            yield from _patterns(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _patterns(inner)
