"""values.yaml, read by line: a YAML parser throws away the comments, which the table needs.

Not here: the types of values (schema.py).
"""

import re
from dataclasses import dataclass

KEY = re.compile(r"^( *)([A-Za-z][A-Za-z0-9_]*):(?: (.*))?$")
MARK = "# -- "


@dataclass(frozen=True)
class Value:
    path: tuple[str, ...]
    description: str  # empty where the comment is missing, which is an error
    default: str | None  # as written; None for a block of several lines


def read(text: str) -> list[Value]:
    """All values, in order. A key with a comment is a value, even if it is a mapping. A key without one is a group, or its comment is missing."""
    found: list[Value] = []
    groups: list[tuple[int, str]] = []  # (indent, key) of the groups around the line
    comment: list[str] = []
    block: int | None = None  # indent of the value that the line belongs to
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if block is not None and (not line.strip() or indent > block or line.lstrip().startswith("- ")):
            continue
        block = None
        if line.lstrip().startswith("#"):
            comment.append(line.strip())
            continue
        if key := KEY.match(line):
            while groups and groups[-1][0] >= indent:
                groups.pop()
            path = (*(name for _, name in groups), key[2])
            description = _described(comment)
            if description or key[3]:
                found.append(Value(path, description, key[3]))
                block = indent
            else:
                groups.append((indent, key[2]))
        comment = []
    return found


def _described(comment: list[str]) -> str:
    starts = [number for number, line in enumerate(comment) if line.startswith(MARK)]
    if not starts:
        return ""
    lines = comment[starts[-1] :]
    return " ".join([lines[0].removeprefix(MARK), *(line.lstrip("# ") for line in lines[1:])])
