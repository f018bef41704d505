"""Plots as plain SVG, readable on light and dark pages, made of nothing but text: panels side by side.

Not here: what a panel shows (`bars`, `curves`)."""

from __future__ import annotations

from html import escape
from typing import Protocol

from driver.peers import is_ours

COLUMNS = 3
GAP, HEAD = 24, 44

# Of lines: on a light page, on a dark one. The first is ours.
COLOURS = [("#1f6feb", "#4493f8"), ("#bc4c00", "#f0883e"), ("#1a7f37", "#3fb950"), ("#8250df", "#ab7df8"),
           ("#cf222e", "#ff7b72"), ("#0e7490", "#39c5cf"), ("#7d4e00", "#d29922"), ("#bf3989", "#f778ba"),
           ("#59636e", "#9198a1")]
DASHES = ["", "7 3", "2 3", "9 3 2 3"]

STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 13px } .head { font-weight: 600; font-size: 16px }
.note { fill: #59636e; stroke: #fff; stroke-width: 3px; paint-order: stroke } .label { text-anchor: end }
.bar { fill: #b6bec8 } .us { fill: #1f6feb } .one { stroke: #59636e; stroke-dasharray: 3 3 }
.axis { fill: #59636e } .middle { text-anchor: middle } .grid { stroke: #d1d9e0 }
.line { fill: none; stroke-width: 1.5 } .ours { stroke-width: 2.5 }
""" + "\n".join(f".c{index} {{ stroke: {light} }}" for index, (light, _) in enumerate(COLOURS)) + """
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .note { fill: #9198a1; stroke: #0d1117 } .bar { fill: #57606a } .us { fill: #4493f8 }
  .one { stroke: #9198a1 } .axis { fill: #9198a1 } .grid { stroke: #3d444d }
""" + "\n".join(f"  .c{index} {{ stroke: {dark} }}" for index, (_, dark) in enumerate(COLOURS)) + """
}
"""


class Panel(Protocol):
    """One chart."""

    width: int
    """In pixels, as is its height."""
    height: int

    def draw(self) -> str:
        """From its upper left corner."""


def page(head: str, panels: list[Panel]) -> str:
    """Panels side by side, a few in a row."""
    columns = 2 if len(panels) in (2, 4) else min(COLUMNS, len(panels))
    width, height = max(panel.width for panel in panels), max(panel.height for panel in panels)
    rows = -(-len(panels) // columns)
    total_width = max(columns * (width + GAP) + GAP, 460)
    total_height = HEAD + rows * (height + GAP)
    parts = [text("head", GAP, 28, head)]
    for index, panel in enumerate(panels):
        x = GAP + index % columns * (width + GAP)
        y = HEAD + index // columns * (height + GAP)
        parts.append(f'<g transform="translate({x} {y})">{panel.draw()}</g>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{total_width}" height="{total_height}" '
            f'viewBox="0 0 {total_width} {total_height}" role="img" aria-label="{escape(head)}">'
            f'<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n")


def text(kind: str, x: float, y: float, words: str) -> str:
    """Words."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(words)}</text>'


def straight(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """A straight line."""
    return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def strokes(names: list[str]) -> dict[str, str]:
    """How the line of each is drawn: Switchyard's variants in one colour, and the others each in its own
    as far as there are colours, then in dashes."""
    drawn, ours, others = {}, 0, 0
    for name in names:
        if is_ours(name):
            colour, dash, ours = 0, ours, ours + 1
        else:
            dash, colour = divmod(others, len(COLOURS) - 1)
            colour, others = colour + 1, others + 1
        kind = f"line c{colour} ours" if is_ours(name) else f"line c{colour}"
        drawn[name] = f'class="{kind}" stroke-dasharray="{DASHES[dash % len(DASHES)]}"'
    return drawn
