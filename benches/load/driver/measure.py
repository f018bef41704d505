"""The measurements: one timed window of one peer, one climb of idle sessions, a storm, a drain, and a
check that a peer is what it says before it is measured at all."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from driver import load
from driver.leaving import cut
from driver.processes import busy
from driver.running import Running
from driver.scenarios import Scenario

SCRAPE_EVERY = 5.0


@dataclass(frozen=True)
class Place:
    """Where things run: the gateway's core, those of the load, and a folder."""

    core: int
    load_cores: list[int]
    run: Path


class Scraper:
    """Reads a peer's metrics while it is measured, as Prometheus would."""

    def __init__(self, running: Running, window: float):
        self.running = running
        self.first = min(window, SCRAPE_EVERY) / 2
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        wait = self.first
        while not self.stop.wait(wait):
            self.running.scrape()
            wait = SCRAPE_EVERY

    def __enter__(self) -> None:
        if self.running.peer.scraped:
            self.thread.start()

    def __exit__(self, *_) -> None:
        self.stop.set()
        if self.running.peer.scraped:
            self.thread.join()


def check(running: Running, entrance: Scenario, place: Place) -> None:
    """The process that is measured is the one that listens, and there is a connection to the
    endpoint for each session: what comes back went through it. `entrance` is one of HELD."""
    sessions = 20
    if not running.tree.listens_on(running.ports[entrance.entrance(running.peer)]):
        raise RuntimeError("another process listens on its port")
    with load.client(running, entrance, ["--steps", str(sessions)], place.load_cores, place.run) as client:
        client.hear()
        found = running.held()
        if found < sessions:
            raise RuntimeError(f"it holds {found} connections to the endpoint for {sessions} sessions")
        client.go()
        client.hear()


def window(running: Running, scenario: Scenario, seconds: float, place: Place) -> dict:
    """CPU of the peer and results of the load over one timed window."""
    duration = ["--duration", str(round(seconds * 1000))]
    with load.client(running, scenario, duration, place.load_cores, place.run) as client:
        client.hear()
        busy_before, stolen_before = busy(place.core)
        before = running.tree.cpu()
        with Scraper(running, seconds):
            client.go()
            result = client.hear()
        after = running.tree.cpu()
        busy_after, stolen_after = busy(place.core)
        client.go()
    used = after.since(before)
    threads = after.threads(before)
    if not result["messages"]:
        raise RuntimeError("no message came back")
    others = max(0.0, busy_after - busy_before - used["cpu_s"])
    return {
        **{key: value for key, value in result.items() if key != "event"},
        **used,
        "threads_s": threads,
        "cpu_us": used["cpu_s"] / result["messages"] * 1e6,
        "others_share": (others + stolen_after - stolen_before) / result["wall_s"],
    }


def idle(running: Running, held: Scenario, steps: list[int], settle: float, after: float,
         place: Place) -> dict:
    """Memory at each step of open sessions, and some time after they have gone."""
    argv = ["--steps", ",".join(map(str, steps))]
    memory = []
    with load.client(running, held, argv, place.load_cores, place.run) as client:
        for step in steps:
            client.hear()
            time.sleep(settle)
            memory.append((step, running.tree.memory()))
            client.go()
        client.hear()
    time.sleep(after)
    return {
        "memory": memory,
        "bytes_per_session": slope(memory),
        "after_s": after,
        "after": running.tree.memory(),
    }


@dataclass(frozen=True)
class Crowd:
    """How many connect at once, and how patient they are."""

    clients: int
    deadline: float
    """Seconds from a SYN to a session."""
    attempts: int
    pause: float
    """Seconds before another attempt."""

    @property
    def argv(self) -> list[str]:
        """For swload."""
        return ["--clients", str(self.clients), "--deadline", str(round(self.deadline * 1000)),
                "--attempts", str(self.attempts), "--pause", str(round(self.pause * 1000))]

    @property
    def longest(self) -> float:
        """Seconds until the last of them gives up."""
        return self.attempts * (self.deadline + self.pause)


def storm(running: Running, scenario: Scenario, crowd: Crowd, place: Place) -> dict:
    """Who has a session how soon when all connect at once, and what that costs."""
    with load.client(running, scenario, crowd.argv, place.load_cores, place.run) as client:
        client.hear()
        busy_before, stolen_before = busy(place.core)
        before, clients_before = running.tree.cpu(), client.tree.cpu()
        client.go()
        result = client.hear(crowd.longest + load.PATIENCE)
        after, clients_after = running.tree.cpu(), client.tree.cpu()
        busy_after, stolen_after = busy(place.core)
        if not running.tree.is_alive():
            raise RuntimeError(f"it has ended: {running.tree.tail()}")
        client.go()
    used = after.since(before)
    others = max(0.0, busy_after - busy_before - used["cpu_s"])
    return {
        **{key: value for key, value in result.items() if key != "event"},
        **used,
        "cpu_us": used["cpu_s"] / result["clients"] * 1e6,
        "clients_share": clients_after.since(clients_before)["cpu_s"] / result["wall_s"],
        "others_share": (others + stolen_after - stolen_before) / result["wall_s"],
    }


@dataclass(frozen=True)
class Departure:
    """How many sessions a gateway holds when it is asked to go, and over how many seconds."""

    sessions: int
    over: int

    @property
    def ideal(self) -> float:
        """How many go each second if all seconds are the same."""
        return self.sessions / self.over

    @property
    def longest(self) -> float:
        """Seconds until no session is waited for any more: a while after a gateway has cut the last."""
        return cut(self.over) + 5.0

    @property
    def argv(self) -> list[str]:
        """For swload."""
        return ["--sessions", str(self.sessions), "--limit", str(round(self.longest * 1000))]


def drain(running: Running, scenario: Scenario, departure: Departure, settle: float, place: Place) -> dict:
    """How each of many idle sessions ends, and when, after their gateway was asked to go."""
    with load.client(running, scenario, departure.argv, place.load_cores, place.run) as client:
        client.hear()
        time.sleep(settle)
        busy_before, stolen_before = busy(place.core)
        before = running.tree.cpu()
        client.go()
        running.peer.leaving.ask(running, departure.over)
        result = client.hear(departure.longest + load.PATIENCE)
        # Nobody may have waited for its end before, or its time would be forgotten.
        used = running.tree.cpu().since(before)
        busy_after, stolen_after = busy(place.core)
        client.go()
    if result["left"] == result["sessions"]:
        raise RuntimeError("it was asked to go, and no session has ended")
    others = max(0.0, busy_after - busy_before - used["cpu_s"])
    return {
        **{key: value for key, value in result.items() if key != "event"},
        **used,
        "cpu_us": used["cpu_s"] / result["sessions"] * 1e6,
        "others_share": (others + stolen_after - stolen_before) / result["wall_s"],
    }


def slope(points: list[tuple[float, float]]) -> float:
    """Least squares."""
    n = len(points)
    if n < 2:
        return float("nan")
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    covariance = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return covariance / sum((x - mean_x) ** 2 for x, _ in points)
