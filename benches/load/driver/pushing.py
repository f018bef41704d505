"""How messages are published to the sessions of a peer. Not here: which peers can (`peers`), what is measured (`fanout`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

MANY = 10
"""How many channels a session of a scenario with many has."""


@dataclass(frozen=True)
class Helper:
    """A process that a peer needs beside it. It runs among the load, and its CPU and memory are not counted."""

    name: str
    find: Callable[[], Path | None]
    argv: list[str]
    """It listens at @helper@."""


@dataclass(frozen=True)
class Pushing:
    """What a session asks for, and how a message is published at the peer's @admin@. In all of it {n} stands for the
    number of a channel, and {text} for the message."""

    path: str = "/sub/{n}"
    publish: str = "POST /publish"
    body: str = "{text}"
    content_type: str = "application/json"
    many: str = ""
    """The path of a session with MANY channels, if there can be such; {n} is one of them."""
    argv: list[str] = field(default_factory=list)
    """In place of the peer's, where that differs; so the configuration."""
    configs: list[str] = field(default_factory=list)

    def asks(self, is_many: bool) -> list[str]:
        """For swload."""
        return ["--path", self.many if is_many else self.path, "--publish", self.publish, "--body", self.body,
                "--content-type", self.content_type]


def query(path: str, name: str) -> str:
    """A path that asks for many channels by a parameter that is there many times."""
    return f"{path}?{name}={{n}}" + "".join(f"&{name}={{n}}-{more}" for more in range(1, MANY))
