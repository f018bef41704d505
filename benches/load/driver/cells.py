"""Tables in Markdown, and figures as they stand in them."""

from __future__ import annotations

from driver.peers import US
from driver.summary import Median

# Ratios that differ by less than this are the same, on the machines this runs on.
SAME = 0.03


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown; our own row stands out."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    lines += [[f"**{cell}**" if row[0] == US else cell for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(found: Median | None, digits: int) -> str:
    """A figure, or a dash."""
    return f"{found.value:,.{digits}f}" if found else "-"
