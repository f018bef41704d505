"""values.schema.json of the chart, put together from helm/generator/types.json, the descriptions in values.yaml, and the gateway's own schema for `config`.

Objects of the chart allow no unknown keys, and every value that cannot be null is required: `helm upgrade --reuse-values` brings the
values of an older chart, which lack the new ones, and should fail.
"""

import json
from typing import Any

from .values import Value

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"  # the newest that Helm 3 reads


class Disagreement(Exception):
    """values.yaml and types.json disagree; the text says where."""


def build(types: Schema, gateway: Schema, values: list[Value]) -> Schema:
    described = {value.path: value.description for value in values}
    properties = types["properties"] | {"config": config(gateway)}
    _compare(properties, described)
    definitions = {name: _closed(schema) for name, schema in types["definitions"].items()}
    root = _filled({"properties": properties}, (), described, definitions)
    return {"$schema": DRAFT, "title": "Values of the Switchyard chart", **root, "definitions": _used(definitions, root)}


def config(gateway: Schema) -> Schema:
    """The gateway's schema as a part of the chart's. It names a later draft, but has to use keywords of draft 7 alone."""
    newer = {"$defs", "$dynamicRef", "dependentSchemas", "dependentRequired", "prefixItems", "unevaluatedItems", "unevaluatedProperties"}
    if used := newer & set(_keywords(gateway)):
        raise Disagreement(f"docs/config.schema.json uses {', '.join(sorted(used))}, which draft 7 does not know")
    return {key: value for key, value in gateway.items() if key not in ("$schema", "title", "description")}


def text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def at(types: Schema, path: tuple[str, ...]) -> Schema:
    """The type of one value, with its `$ref` resolved."""
    schema: Schema = types
    for key in path:
        schema = schema["properties"][key]
    return referred(schema, types["definitions"])


def referred(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    name = schema.get("$ref", "").removeprefix("#/definitions/")
    return definitions[name] if name else schema


def _compare(properties: dict[str, Schema], described: dict[tuple[str, ...], str]) -> None:
    typed = set(_paths(properties, (), described))
    problems = [f"{'.'.join(path)}: has no type in helm/generator/types.json" for path in described if path not in typed]
    problems += [f"{'.'.join(path)}: is not in values.yaml" for path in typed - set(described)]
    problems += [f"{'.'.join(path)}: has no comment that begins with `# -- `" for path, said in described.items() if not said]
    if problems:
        raise Disagreement("\n".join(sorted(problems)))


def _paths(properties: dict[str, Schema], above: tuple[str, ...], described: dict[tuple[str, ...], str]):
    """Paths of all values that values.yaml has to have. A type with a description of its own is left out: such a value (`global`) has no default."""
    for key, schema in properties.items():
        path = (*above, key)
        if path not in described and "properties" in schema:
            yield from _paths(schema["properties"], path, described)
        elif path in described or "description" not in schema:
            yield path


def _filled(schema: Schema, path: tuple[str, ...], described: dict[tuple[str, ...], str], definitions: dict[str, Schema]) -> Schema:
    """The schema of a group of values, with their descriptions."""
    properties = {}
    for key, value in schema["properties"].items():
        here = (*path, key)
        if here in described:
            # Draft 7 ignores whatever stands beside a `$ref`, so it is resolved here.
            properties[key] = {"description": described[here], **_closed(referred(value, definitions))}
        elif "properties" in value:
            properties[key] = _filled(value, here, described, definitions)
        else:
            properties[key] = value
    required = [key for key, value in properties.items() if key in _mandatory(properties, path, described)]
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _mandatory(properties: dict[str, Schema], path: tuple[str, ...], described: dict[tuple[str, ...], str]) -> set[str]:
    groups = {known[len(path)] for known in described if known[: len(path)] == path and len(known) > len(path)}
    return {key for key, value in properties.items() if key in groups and "null" not in value.get("type", "")}


def _closed(schema: Schema) -> Schema:
    """The same schema, where objects that list their properties allow no others, at any depth."""
    out = {}
    for key, value in schema.items():
        if key == "properties":
            out[key] = {name: _closed(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            out[key] = _closed(value)
        else:
            out[key] = value
    if "properties" in out:
        out.setdefault("additionalProperties", False)
    return out


def _used(definitions: dict[str, Schema], root: Schema) -> dict[str, Schema]:
    """The definitions that are still referred to. No definition refers to another."""
    said = json.dumps(root)
    return {name: schema for name, schema in definitions.items() if f'"#/definitions/{name}"' in said}


def _keywords(schema: Any):
    if isinstance(schema, dict):
        for key, value in schema.items():
            yield key
            yield from _keywords(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _keywords(value)
