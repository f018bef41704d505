"""A panel of what happens in each second, beside the same number in all of them. The scale is logarithmic:
the even one and all at once are on the same page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from driver.peers import is_ours
from driver.svg import straight, text

LEFT, TOP, WIDE, HIGH = 48, 44, 270, 150
MARKS_AT_MOST, ROUND_STEPS = 7, [1, 2, 5, 10, 20, 50, 100, 200, 500]


@dataclass(frozen=True)
class Pace:
    """How often something happened in the first second, in the next, and so on."""

    name: str
    counts: list[float]
    ideal: float
    """How often in a second it was to happen, from the beginning to `over`."""
    over: int
    last: int
    """Where the axis ends, in seconds, and `most` where the other one does: the same for all panels of a page."""
    most: float

    width = LEFT + WIDE + 16
    height = TOP + HIGH + 40

    def draw(self) -> str:
        """From its upper left corner."""
        bottom = TOP + HIGH
        parts = [text("title", 0, 14, self.name), text("axis", 0, 32, "closes in a second")]
        for mark in [0, *powers(self.most)]:
            y = bottom - self._high(mark)
            parts += [straight("grid", LEFT, y, LEFT + WIDE, y), text("axis label", LEFT - 6, round(y + 4, 1), f"{mark:,}")]
        for second in marks(self.last):
            x = LEFT + second / self.last * WIDE
            parts += [straight("grid", x, bottom, x, bottom + 4), text("axis middle", round(x, 1), bottom + 17, f"{second}")]
        parts.append(text("axis", LEFT, bottom + 34, "seconds after it was asked to go"))
        parts += [self._bar(second, count) for second, count in enumerate(self.counts) if count]
        y = bottom - self._high(self.ideal)
        parts.append(straight("one", LEFT, y, LEFT + self.over / self.last * WIDE, y))
        return "".join(parts)

    def _bar(self, second: int, count: float) -> str:
        high, step = self._high(count), WIDE / self.last
        kind = "bar us" if is_ours(self.name) else "bar"
        return (f'<rect class="{kind}" x="{LEFT + second * step:.1f}" y="{TOP + HIGH - high:.1f}" '
                f'width="{step:.1f}" height="{high:.1f}"/>')

    def _high(self, count: float) -> float:
        """How far above 0: that is its own mark below 1, and each power of ten has as much room."""
        steps = len(powers(self.most))
        return HIGH * (1 + math.log10(count)) / steps if count >= 1 else HIGH * count / steps


def powers(most: float) -> list[int]:
    """Powers of ten from 1 to the first that is no less."""
    return [10 ** power for power in range(math.ceil(math.log10(max(1.0, most))) + 1)]


def marks(last: float) -> list[int]:
    """Where the axis of time has its marks."""
    step = next((step for step in ROUND_STEPS if last / step <= MARKS_AT_MOST), ROUND_STEPS[-1])
    return list(range(0, int(last) + 1, step))
