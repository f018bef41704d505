"""Bar charts as plain SVG, readable on light and dark pages, made of nothing but text."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from driver.peers import REFERENCE, REFERENCE_TLS
from driver.summary import Summary

US = "switchyard"
COLUMNS = 3
LABELS, BARS, VALUES, GAP = 84, 150, 62, 24
WIDTH = LABELS + BARS + VALUES
BAR, STEP, TITLE = 13, 18, 26

STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 13px } .head { font-weight: 600; font-size: 16px }
.note { fill: #59636e; stroke: #fff; stroke-width: 3px; paint-order: stroke } .label { text-anchor: end }
.bar { fill: #b6bec8 } .us { fill: #1f6feb } .one { stroke: #59636e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .note { fill: #9198a1; stroke: #0d1117 } .bar { fill: #57606a } .us { fill: #4493f8 }
  .one { stroke: #9198a1 }
}
"""


@dataclass(frozen=True)
class Panel:
    """One chart: a title, and a bar for each name."""

    title: str
    bars: list[tuple[str, float]]
    format: str
    line_at: float | None = None

    @property
    def height(self) -> int:
        """In pixels."""
        return TITLE + STEP * len(self.bars) + 14


def all_of(summary: Summary) -> dict[str, str]:
    """Each file that there is data for."""
    charts = {
        "cpu.svg": ("CPU for the same work, raw forwarding = 1 (less is better)", _cpu(summary)),
        "latency.svg": ("Latency in microseconds (less is better)", _latency(summary)),
        "memory.svg": ("Memory of an idle session (less is better)", _memory(summary)),
    }
    return {name: chart(head, panels) for name, (head, panels) in charts.items() if panels}


def _cpu(summary: Summary) -> list[Panel]:
    panels = []
    for scenario in summary.scenarios:
        bars = [(peer, found.value) for peer in summary.peers if peer not in (REFERENCE, REFERENCE_TLS)
                and (found := summary.ratio(scenario, peer))]
        panels.append(Panel(scenario.title, bars, "{:.2f}", line_at=1.0))
    return [panel for panel in panels if panel.bars]


def _latency(summary: Summary) -> list[Panel]:
    panels = []
    for scenario in (scenario for scenario in summary.scenarios if scenario.latency):
        for key, name in [("p50_us", "median"), ("p99_us", "99 %")]:
            bars = [(peer, found.value) for peer in summary.peers
                    if (found := summary.of(scenario.name, peer, key))]
            panels.append(Panel(f"{scenario.name}: {name}", bars, "{:,.0f}"))
    return panels


def _memory(summary: Summary) -> list[Panel]:
    panels = []
    for held in summary.held:
        bars = [(peer, max(0.0, found.value)) for peer in summary.peers
                if (found := summary.of(held.name, peer, "bytes_per_session"))]
        panels.append(Panel(f"{held.title}, bytes", bars, "{:,.0f}"))
    return panels


def chart(head: str, panels: list[Panel]) -> str:
    """Panels side by side, a few in a row."""
    columns = 2 if len(panels) in (2, 4) else min(COLUMNS, len(panels))
    height = max(panel.height for panel in panels)
    rows = -(-len(panels) // columns)
    total_width = max(columns * (WIDTH + GAP) + GAP, 460)
    total_height = 44 + rows * (height + GAP)
    parts = [f'<text class="head" x="{GAP}" y="28">{escape(head)}</text>']
    for index, panel in enumerate(panels):
        x = GAP + index % columns * (WIDTH + GAP)
        y = 44 + index // columns * (height + GAP)
        parts.append(f'<g transform="translate({x} {y})">{_draw(panel)}</g>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{total_width}" height="{total_height}" '
            f'viewBox="0 0 {total_width} {total_height}" role="img" aria-label="{escape(head)}">'
            f'<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n")


def _draw(panel: Panel) -> str:
    most = max([value for _, value in panel.bars] + [panel.line_at or 0.0]) or 1.0
    parts = [f'<text class="title" x="0" y="14">{escape(panel.title)}</text>']
    if panel.line_at is not None:
        x = LABELS + panel.line_at / most * BARS
        bottom = TITLE + STEP * len(panel.bars)
        parts.append(f'<line class="one" x1="{x:.1f}" x2="{x:.1f}" y1="{TITLE - 4}" y2="{bottom}"/>')
    for index, (name, value) in enumerate(panel.bars):
        y = TITLE + index * STEP
        width = value / most * BARS
        kind = "bar us" if name == US else "bar"
        parts.append(
            f'<text class="label" x="{LABELS - 8}" y="{y + 11}">{escape(name)}</text>'
            f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>'
            f'<text class="note" x="{LABELS + width + 6:.1f}" y="{y + 11}">{panel.format.format(value)}</text>')
    return "".join(parts)
