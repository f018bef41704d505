"""What is measured: a name, a title, what swload is told, and what one unit of work is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from driver.peers import REFERENCE, REFERENCE_TLS, Peer
from driver.pushing import MANY

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
    on_each: int = 0
    """How many sessions share a connection of HTTP/2; 0 where HTTP/1.1 is spoken."""
    leaves: bool = False
    """Whether the gateway is asked to go."""
    push: str = ""
    """Where messages are published to the sessions: whether there is `one` channel for all, or for `each` its own."""
    many: bool = False
    """Whether each session has some more channels besides."""
    part: int = 1
    """The part of a whole audience that its sessions are: one in so many."""

    @property
    def reference(self) -> str:
        """What its CPU is a ratio to."""
        return REFERENCE_TLS if self.tls else REFERENCE

    def is_over_http2(self, peer: Peer) -> bool:
        """Whether this peer's clients speak HTTP/2."""
        return bool(self.on_each) and not peer.over_http1

    def entrance(self, peer: Peer) -> str:
        """Which of a peer's ports it uses."""
        if self.is_over_http2(peer):
            return "h2_tls" if self.tls else "h2"
        return "tls" if self.tls else "listen"

    def has(self, peer: Peer) -> bool:
        """Whether this peer takes part."""
        if self.leaves and not peer.leaving:
            return False
        if self.push and not (peer.pushes and (peer.pushes.many or not self.many)):
            return False
        return self.entrance(peer) in peer.listens and (not peer.beside or self.group in peer.beside)

    @property
    def group(self) -> str:
        """What a peer has to be beside in."""
        if self.push:
            return "fanout"
        return "http2" if self.on_each else "http1"


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



def _over_tls(scenario: Scenario) -> Scenario:
    return replace(scenario, name=f"tls-{scenario.name}", title=f"TLS: {scenario.title}", tls=True)


# WebSockets over HTTP/2 beside the same sessions over HTTP/1.1.
HTTP2 = [
    Scenario("h2-echo", "echo 128 B, 4 conns of 25", "message",
             ["echo", "--connections", "100", "--size", "128"], on_each=25),
    Scenario("h2-paced", "10 conns of 100 paced to 4,000 msg/s", "message",
             ["paced", "--connections", "1000", "--rate", "4000", "--size", "128"], latency=True, on_each=100),
    Scenario("h2-echo-16k", "echo 16 KiB, 2 conns of 25", "message",
             ["echo", "--connections", "50", "--size", "16384"], on_each=25),
    Scenario("h2-up-1m", "1 MiB up, 1 conn of 4", "MiB",
             ["up", "--connections", "4", "--depth", "2", "--size", MIB], on_each=4),
    Scenario("h2-down-1m", "1 MiB down, 1 conn of 4", "MiB",
             ["down", "--connections", "4", "--depth", "2", "--size", MIB], on_each=4),
]

SCENARIOS = [*PLAIN, *(_over_tls(scenario) for scenario in PLAIN if scenario.name in OVER_TLS),
             *HTTP2, *map(_over_tls, HTTP2)]

# The gateway with one worker on one core, and with two on two.
SCALE = Scenario("scale", "echo 128 B, 100 conns", "message", ["echo", "--connections", "100", "--size", "128"])
SCALE_WORKERS = (1, 2)

# Not in CPU, but in memory.
IDLE = Scenario("idle", "idle session", "session", ["idle", "--size", "1024"], sources=4)
IDLE_TLS = _over_tls(IDLE)
STALLED = Scenario("stalled", "stalled reader, 64 MiB under way to it", "session", ["stalled"], sources=4)
IDLE_HTTP2 = replace(IDLE, name="h2-idle", title="HTTP/2: idle session, 100 on a connection", on_each=100)
HELD = [IDLE, IDLE_TLS, STALLED, IDLE_HTTP2, _over_tls(IDLE_HTTP2)]


def held_like(scenario: Scenario) -> Scenario:
    """The one of HELD whose sessions are opened as those of this scenario are."""
    return next(held for held in HELD if (held.tls, bool(held.on_each)) == (scenario.tls, bool(scenario.on_each)))


# Everybody connects at once.
STORM = Scenario("storm", "reconnect storm, whole handshakes", "session", ["storm"], sources=8, tls=True)
STORMS = [STORM, replace(STORM, name="storm-resumed", title="reconnect storm, resumed handshakes",
                         load=["storm", "--resume"])]

# The gateway is asked to go.
DRAIN = Scenario("drain", "paced drain", "session", ["drain"], sources=4, leaves=True)
DRAINS = [DRAIN]

# Messages are published to sessions that have no endpoint: who gets them, how soon, and what that costs.
FANOUT = Scenario("fanout", "one channel for all", "delivery", ["fanout", "--channels", "one"], sources=4, push="one")
CHANNELS = Scenario("channels", "a channel for each", "delivery",
                    ["fanout", "--channels", "each", "--publishers", "8"], sources=4, push="each")
FANOUTS = [FANOUT, replace(FANOUT, name="fanout-tenth", title="one channel, a tenth of the sessions", part=10), CHANNELS]

# The same sessions while nothing is published, in memory.
SUBSCRIBED = [replace(CHANNELS, name="subscribed", title="subscribed to a channel of its own"),
              replace(FANOUT, name="subscribed-common", title="subscribed to one channel for all"),
              replace(CHANNELS, name="subscribed-many", title=f"subscribed to {MANY} channels of its own", many=True)]

NAMES = [scenario.name for scenario in [*SCENARIOS, SCALE, *HELD, *STORMS, *DRAINS, *FANOUTS, *SUBSCRIBED]]
GROUPS = {
    "http1": [scenario.name for scenario in [*SCENARIOS, SCALE, *HELD] if not scenario.on_each],
    "http2": [scenario.name for scenario in [*SCENARIOS, *HELD] if scenario.on_each],
    "storms": [scenario.name for scenario in STORMS],
    "drain": [scenario.name for scenario in DRAINS],
    "fanout": [scenario.name for scenario in [*FANOUTS, *SUBSCRIBED]],
}
