"""A panel of bars that lie."""

from __future__ import annotations

from dataclasses import dataclass

from driver.peers import US
from driver.svg import straight, text

LABELS, BARS, VALUES = 96, 150, 62
BAR, STEP, TITLE = 13, 18, 26


@dataclass(frozen=True)
class Bars:
    """A title, and a bar for each name."""

    title: str
    bars: list[tuple[str, float]]
    format: str
    line_at: float | None = None

    width = LABELS + BARS + VALUES

    @property
    def height(self) -> int:
        """In pixels."""
        return TITLE + STEP * len(self.bars) + 14

    def draw(self) -> str:
        """From its upper left corner."""
        most = max([value for _, value in self.bars] + [self.line_at or 0.0]) or 1.0
        parts = [text("title", 0, 14, self.title)]
        if self.line_at is not None:
            x = LABELS + self.line_at / most * BARS
            parts.append(straight("one", x, TITLE - 4, x, TITLE + STEP * len(self.bars)))
        for index, (name, value) in enumerate(self.bars):
            y = TITLE + index * STEP
            width = value / most * BARS
            kind = "bar us" if name == US else "bar"
            parts.append(
                text("label", LABELS - 8, y + 11, name)
                + f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>'
                + text("note", round(LABELS + width + 6, 1), y + 11, self.format.format(value)))
        return "".join(parts)
