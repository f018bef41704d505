"""A panel of curves: how many percent of something have happened by when."""

from __future__ import annotations

from dataclasses import dataclass

from driver.svg import straight, strokes, text

LEFT, TOP, WIDE, HIGH = 44, 44, 400, 210
LEGEND, IN_A_ROW = 18, 4
ROUND_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]


@dataclass(frozen=True)
class Curves:
    """A title, and for each name when one percent had happened, when two had, and so on, in seconds."""

    title: str
    up: str
    across: str
    curves: list[tuple[str, list[float]]]

    width = LEFT + WIDE + 20

    @property
    def height(self) -> int:
        """In pixels."""
        return TOP + HIGH + 44 + LEGEND * -(-len(self.curves) // IN_A_ROW)

    def draw(self) -> str:
        """From its upper left corner."""
        last = max([curve[-1] for _, curve in self.curves if curve], default=0.0) or 1.0
        bottom = TOP + HIGH
        parts = [text("title", 0, 14, self.title), text("axis", 0, 32, self.up)]
        for percent in range(0, 101, 25):
            y = bottom - percent / 100 * HIGH
            parts += [straight("grid", LEFT, y, LEFT + WIDE, y), text("axis label", LEFT - 6, y + 4, str(percent))]
        for second in ticks(last):
            x = LEFT + second / last * WIDE
            parts += [straight("grid", x, bottom, x, bottom + 4), text("axis middle", round(x, 1), bottom + 17, f"{second:g}")]
        parts.append(text("axis", LEFT, bottom + 34, self.across))
        drawn = strokes([name for name, _ in self.curves])
        for index, (name, curve) in enumerate(self.curves):
            points = " ".join(f"{LEFT + x / last * WIDE:.1f},{bottom - y / 100 * HIGH:.1f}" for x, y in path(curve, last))
            parts.append(f'<polyline {drawn[name]} points="{points}"/>')
            parts.append(_legend(index, bottom + 54, name, drawn[name]))
        return "".join(parts)


def _legend(index: int, top: float, name: str, drawn: str) -> str:
    x = LEFT + index % IN_A_ROW * (WIDE / IN_A_ROW)
    y = top + index // IN_A_ROW * LEGEND
    return (f'<line {drawn} x1="{x:g}" x2="{x + 16:g}" y1="{y - 4:g}" y2="{y - 4:g}"/>'
            + text("axis", x + 20, y, name))


def path(curve: list[float], last: float) -> list[tuple[float, float]]:
    """Points from the beginning to the end of time; who is not there by then does not come."""
    points = [(0.0, 0.0), *((second, percent) for percent, second in enumerate(curve, 1))]
    return [*points, (last, points[-1][1])]


def ticks(last: float) -> list[float]:
    """Where the axis has its marks: some round numbers from 0 on."""
    step = next((step for step in ROUND_STEPS if last / step <= 8), ROUND_STEPS[-1])
    return [round(index * step, 2) for index in range(int(last / step) + 1)]
