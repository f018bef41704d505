"""How a gateway is asked to go over some time, as those who run it do that at a deploy. Not here: what its
sessions see of it (`measure`).

Where the time is in a peer's configuration, it is @over@ there, in seconds.
"""

from __future__ import annotations

import signal
import time
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from driver.running import Running

# Of a peer that is not asked to go; as short as may be, for they are ended often.
AT_ONCE = 1


@dataclass(frozen=True)
class Leaving:
    """One way to go."""

    how: str
    """For a reader."""
    ask: Callable[["Running", int], None]
    """Asks a gateway to go over so many seconds. Returns when there is nothing left to ask."""
    argv: list[str] = field(default_factory=list)
    """What its program has to be told before."""


def by(number: signal.Signals) -> Callable[["Running", int], None]:
    """By a signal, and the rest is in the configuration."""
    return lambda running, _: running.tree.process.send_signal(number)


def by_admin(path: str) -> Callable[["Running", int], None]:
    """By its admin listener, and when the time is over by SIGTERM, for then it would go on for ever."""
    def ask(running: "Running", over: int) -> None:
        address = f"http://127.0.0.1:{running.ports['admin']}{path}"
        with urllib.request.urlopen(urllib.request.Request(address, method="POST"), timeout=10) as answer:
            answer.read()
        time.sleep(over)
        running.tree.process.send_signal(signal.SIGTERM)
    return ask


def cut(over: int) -> int:
    """When a gateway that has a deadline cuts those that are left, in seconds."""
    return -(-over * 3 // 2)
