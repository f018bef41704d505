"""Measurements of messages that are published to many sessions: who gets them, how soon, what that costs, and what
the sessions cost while nothing is published."""

from __future__ import annotations

import time
from dataclasses import dataclass

from driver import load
from driver.measure import Place, Scraper, slope
from driver.processes import busy
from driver.running import Running
from driver.scenarios import CHANNELS, Scenario

# Of opening many sessions one after the other, where each is asked for at an application.
OPENING = 600


@dataclass(frozen=True)
class Audience:
    """How many listen, and how much is published to them."""

    sessions: int
    deliveries: int
    """A second, where one message is for all."""
    messages: int
    """A second, where each is for one."""
    seconds: float

    def listening(self, scenario: Scenario) -> int:
        """How many of them take part."""
        return max(1, self.sessions // scenario.part)

    def rate(self, scenario: Scenario) -> int:
        """Messages a second."""
        return self.messages if scenario.push == "each" else max(1, self.deliveries // self.listening(scenario))

    def argv(self, scenario: Scenario) -> list[str]:
        """For swload."""
        rate = self.rate(scenario)
        return _argv([self.listening(scenario)], rate, max(1, round(rate * self.seconds)))


def _argv(steps: list[int], rate: int, messages: int) -> list[str]:
    return ["--steps", ",".join(map(str, steps)), "--rate", str(rate), "--messages", str(messages)]


def _client(running: Running, scenario: Scenario, argv: list[str], place: Place) -> load.Speaker:
    asks = running.peer.pushes.asks(scenario.many)
    publisher = ["--publisher", f"127.0.0.1:{running.ports['admin']}"]
    return load.client(running, scenario, [*asks, *publisher, *argv], place.load_cores, place.run)


def check(running: Running, scenario: Scenario, place: Place) -> None:
    """The process that is measured is the one that listens and holds a connection for each session, and what is
    published at it comes, each message to the one that it is for."""
    sessions = 20
    argv = _argv([sessions], 200, 3 * sessions)
    with _client(running, CHANNELS, argv, place) as client:
        client.hear()
        found = running.tree.connections_on(running.ports[scenario.entrance(running.peer)])
        if found < sessions:
            raise RuntimeError(f"it holds {found} connections for {sessions} sessions")
        client.go()
        _complete(client.hear())


def _complete(result: dict) -> None:
    wrong = {key: result[key] for key in ("missed", "repeated", "disordered", "lost", "refused", "unanswered") if result[key]}
    if wrong:
        raise RuntimeError(f"of {result['messages'] + result['missed']} deliveries: {wrong}")


def timed(running: Running, scenario: Scenario, audience: Audience, settle: float, place: Place) -> dict:
    """CPU of the peer, and when each session had which message."""
    # Some are still busy with those that have just gone.
    time.sleep(settle)
    with _client(running, scenario, audience.argv(scenario), place) as client:
        client.hear(OPENING)
        time.sleep(settle)
        busy_before, stolen_before = busy(place.core)
        before, clients_before = running.tree.cpu(), client.tree.cpu()
        with Scraper(running, audience.seconds):
            client.go()
            result = client.hear(audience.seconds + OPENING)
        after, clients_after = running.tree.cpu(), client.tree.cpu()
        busy_after, stolen_after = busy(place.core)
        client.go()
    used = after.since(before)
    if not result["messages"]:
        raise RuntimeError("no message came")
    others = max(0.0, busy_after - busy_before - used["cpu_s"])
    return {
        **{key: value for key, value in result.items() if key != "event"},
        **used,
        "cpu_us": used["cpu_s"] / result["messages"] * 1e6,
        "deliveries_a_cpu_second": result["messages"] / used["cpu_s"],
        "cpu_share": used["cpu_s"] / result["wall_s"],
        "clients_share": clients_after.since(clients_before)["cpu_s"] / result["wall_s"],
        "others_share": (others + stolen_after - stolen_before) / result["wall_s"],
    }


def held(running: Running, scenario: Scenario, steps: list[int], settle: float, after: float, place: Place) -> dict:
    """Memory at each step of sessions that are subscribed, and some time after they have gone. At last each is
    published to, so that it is known that all were subscribed."""
    time.sleep(settle)
    messages = steps[-1] if scenario.push == "each" else 1
    memory = []
    with _client(running, scenario, _argv(steps, 1000, messages), place) as client:
        for step in steps:
            client.hear(OPENING)
            time.sleep(settle)
            memory.append((step, running.tree.memory()))
            client.go()
        _complete(client.hear(OPENING))
        client.go()
    time.sleep(after)
    return {
        "memory": memory,
        "bytes_per_session": slope(memory),
        "after_s": after,
        "after": running.tree.memory(),
    }
