"""What is measured: a name, a title, what swload is told, and what one unit of work is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from driver.peers import REFERENCE, REFERENCE_TLS

MIB = str(1024 * 1024)


@dataclass(frozen=True)
class Scenario:
    """One column of the table."""

    name: str
    title: str
    unit: str
    """What CPU is divided by; swload counts it as a message."""
    load: list[str]
    latency: bool = False
    """Whether the latency means anything: only where the load does not saturate a core."""
    sources: int = 0
    tls: bool = False

    @property
    def reference(self) -> str:
        """What its CPU is a ratio to."""
        return REFERENCE_TLS if self.tls else REFERENCE

    @property
    def entrance(self) -> str:
        """Which of a peer's ports it uses."""
        return "tls" if self.tls else "listen"


PLAIN = [
    Scenario("echo", "echo 128 B, 100 conns", "message",
             ["echo", "--connections", "100", "--size", "128"]),
    Scenario("depth", "the same, 16 in flight", "message",
             ["echo", "--connections", "100", "--size", "128", "--depth", "16"]),
    Scenario("paced", "1,000 conns paced to 4,000 msg/s", "message",
             ["paced", "--connections", "1000", "--rate", "4000", "--size", "128"], latency=True),
    Scenario("echo-16k", "echo 16 KiB, 50 conns", "message",
             ["echo", "--connections", "50", "--size", "16384"]),
    Scenario("up-1m", "1 MiB up", "MiB", ["up", "--connections", "4", "--depth", "2", "--size", MIB]),
    Scenario("down-1m", "1 MiB down", "MiB",
             ["down", "--connections", "4", "--depth", "2", "--size", MIB]),
    Scenario("echo-1m", "1 MiB echo", "MiB, there and back",
             ["echo", "--connections", "4", "--size", MIB]),
    Scenario("churn", "handshake + echo + close", "session",
             ["churn", "--connections", "50", "--size", "128"], sources=8),
    Scenario("single", "1 conn, depth 1", "message",
             ["echo", "--connections", "1", "--size", "128"], latency=True),
]

OVER_TLS = ["echo", "echo-16k", "up-1m", "down-1m", "churn"]

SCENARIOS = PLAIN + [
    replace(scenario, name=f"tls-{scenario.name}", title=f"TLS: {scenario.title}", tls=True)
    for scenario in PLAIN if scenario.name in OVER_TLS
]

# The gateway with one worker on one core, and with two on two.
SCALE = Scenario("scale", "echo 128 B, 100 conns", "message", ["echo", "--connections", "100", "--size", "128"])
SCALE_WORKERS = (1, 2)

# Not in CPU, but in memory.
IDLE = Scenario("idle", "idle session", "session", ["idle", "--size", "1024"], sources=4)
IDLE_TLS = replace(IDLE, name="tls-idle", title="TLS: idle session", tls=True)
STALLED = Scenario("stalled", "stalled reader, 64 MiB under way to it", "session", ["stalled"], sources=4)
HELD = [IDLE, IDLE_TLS, STALLED]

NAMES = [scenario.name for scenario in [*SCENARIOS, SCALE, *HELD]]
