"""Are rendered objects what a Kubernetes of some version takes? Offline, by its own schemas; every error is told, not the first.

Not here: what they say (the tests of each subject).
"""

import functools
import json
import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import referencing

SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"

# What the schemas leave to the API server.
SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def problems(objects: list[dict], version: str) -> list[str]:
    """All that is wrong with them in this version, such as `1.30`."""
    found, seen = [], set()
    for each in objects:
        who = f"{each.get('apiVersion')} {each.get('kind')} {_identity(each)}"
        if who in seen:
            found.append(f"{who}: is there twice")
        seen.add(who)
        found += [f"{who}: {problem}" for problem in (*_against_schema(each, version), *_against_rules(each))]
    return found


def _identity(each: dict) -> str:
    metadata = each.get("metadata") or {}
    return f"{metadata.get('namespace', '')}/{metadata.get('name')}"


def _against_schema(each: dict, version: str):
    key = (each.get("apiVersion"), each.get("kind"))
    validator = _builtin(version).get(key) or _custom().get(key)
    if validator is None:
        yield "no such kind is known"
        return
    for error in validator.iter_errors(each):
        yield f"{'.'.join(map(str, error.absolute_path)) or 'the object'}: {error.message[:300]}"


@functools.cache
def _builtin(version: str) -> dict:
    """Validators by apiVersion and kind. A kind's definition names both, as the only value that they may have."""
    definitions = json.loads((SCHEMAS / f"v{version}.0-local-strict/_definitions.json").read_text())
    definitions.pop("$id", None)
    resource = referencing.Resource.from_contents(definitions)
    registry = referencing.Registry().with_resource("definitions", resource)
    return {
        (api, kind): jsonschema.Draft202012Validator({"$ref": f"definitions#/$defs/{name}"}, registry=registry)
        for name, schema in definitions["$defs"].items()
        for api in schema.get("properties", {}).get("apiVersion", {}).get("enum", [])
        for kind in schema.get("properties", {}).get("kind", {}).get("enum", [])
    }


@functools.cache
def _custom() -> dict:
    """The kinds of the Prometheus operator, from models that were made from its CRDs."""
    from cloudcoil.models.prometheus_operator import v1  # takes seconds

    models = (v1.ServiceMonitor, v1.PodMonitor, v1.PrometheusRule)
    return {
        ("monitoring.coreos.com/v1", model.__name__): jsonschema.Draft202012Validator(_closed(model.model_json_schema(by_alias=True)))
        for model in models
    }


def _closed(schema):
    """An API server drops what it does not know, silently: here it is an error."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if {"type": "null"} in closed.get("anyOf", []):  # how the models say that it may be left out
        closed["anyOf"].remove({"type": "null"})
        if len(closed["anyOf"]) == 1:
            closed |= closed.pop("anyOf")[0]
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _against_rules(each: dict):
    metadata = each["metadata"]
    name = LABEL if each["kind"] == "Service" else SUBDOMAIN
    if not name.fullmatch(metadata["name"]):
        yield f"a {each['kind']} cannot be called {metadata['name']!r}"
    if not metadata.get("namespace"):
        yield "has no namespace"
    for where, labels in _labels(each):
        for key, value in labels.items():
            if not (LABEL_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(value)):
                yield f"{where}: {key}: {value!r} is no label"
    if template := each.get("spec", {}).get("template"):
        yield from _against_pod_rules(template["spec"])
    if each["kind"] == "Pod":
        yield from _against_pod_rules(each["spec"])


def _labels(value, path=""):
    """All labels and selectors in it, with where they are."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("labels", "matchLabels") and isinstance(inner, dict):
                yield f"{path}.{key}", inner
            else:
                yield from _labels(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _labels(inner, f"{path}.{number}")


def _against_pod_rules(pod: dict):
    volumes = [volume["name"] for volume in pod.get("volumes", [])]
    yield from (f"volume {name} is there twice" for name in set(volumes) if volumes.count(name) > 1)
    containers = pod.get("initContainers", []) + pod["containers"]
    names = [container["name"] for container in containers]
    yield from (f"container {name} is there twice" for name in set(names) if names.count(name) > 1)
    for container in containers:
        for port in container.get("ports", []):
            if "name" in port and not PORT_NAME.fullmatch(port["name"]):
                yield f"{port['name']!r} is no name of a port"
        paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        yield from (f"{container['name']}: two mounts at {path}" for path in set(paths) if paths.count(path) > 1)
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{container['name']}: there is no volume {mount['name']}"
