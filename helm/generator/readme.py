"""README.md of the chart: helm/generator/README.head.md, followed by a table of all values."""

from typing import Any

from . import schema
from .values import Value

NOTE = "<!-- Made by helm/generate from helm/generator/README.head.md and values.yaml. -->\n"


def text(head: str, types: dict[str, Any], values: list[Value]) -> str:
    rows = [_row(value, {} if value.path == ("config",) else schema.at(types, value.path)) for value in values]
    return "\n".join([NOTE, head.rstrip(), "", "## Values", "", "| key | type | default | |", "|---|---|---|---|", *rows, ""])


def _row(value: Value, typed: dict[str, Any]) -> str:
    default = "[values.yaml](values.yaml)" if value.default is None else f"`{value.default}`"
    cells = (f"`{'.'.join(value.path)}`", _kind(typed), default, value.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kind(typed: dict[str, Any]) -> str:
    if "enum" in typed:
        return " or ".join(f"`{choice}`" if choice else '`""`' for choice in typed["enum"])
    if "anyOf" in typed:
        return " or ".join(_kind(each) for each in typed["anyOf"])
    kinds = typed.get("type", "object")
    return kinds if isinstance(kinds, str) else " or ".join(kinds)
