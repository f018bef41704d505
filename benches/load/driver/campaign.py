"""A whole run: which peers and scenarios, in which order, and what is kept.

Rounds are interleaved: each round measures every peer once, beginning with another one each time,
so that a machine that changes its speed changes it for all.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from driver import fanout, load, measure
from driver.fanout import Audience
from driver.measure import Crowd, Departure, Place
from driver.peers import Peer
from driver.running import Running
from driver.scenarios import (DRAINS, FANOUTS, HELD, SCALE, SCALE_WORKERS, SCENARIOS, STALLED, STORMS, SUBSCRIBED, Scenario,
                              held_like)


@dataclass(frozen=True)
class Plan:
    """How much to do."""

    peers: list[Peer]
    scenarios: list[str]
    rounds: int
    seconds: float
    paced_seconds: float
    idle_rounds: int
    idle_steps: list[int]
    stalled_steps: list[int]
    storm_rounds: int
    crowd: Crowd
    drain_rounds: int
    departure: Departure
    fanout_rounds: int
    audience: Audience
    subscribed_steps: list[int]
    variants: dict[str, dict[str, str]]
    """What is in which part of Switchyard's configuration, by the names of its variants."""
    settle: float
    after: float


def say(text: str) -> None:
    """To whoever watches."""
    print(text, file=sys.stderr, flush=True)


class Campaign:
    """A run in progress."""

    def __init__(self, plan: Plan, place: Place):
        self.plan = plan
        self.place = place
        self.results: dict[str, dict[str, list[dict]]] = {}
        self.failures: list[str] = []

    def run(self) -> None:
        """Everything, scenario by scenario, each with an endpoint of its own."""
        for measure_one, scenarios in [(self._scenario, SCENARIOS), (self._scale, [SCALE]), (self._idle, HELD),
                                       (self._storm, STORMS), (self._drain, DRAINS), (self._fanout, FANOUTS),
                                       (self._subscribed, SUBSCRIBED)]:
            for scenario in scenarios:
                if scenario.name in self.plan.scenarios:
                    endpoint, port = load.endpoint(self.place.load_cores, self.place.run)
                    with endpoint:
                        measure_one(scenario, port)

    def _scenario(self, scenario: Scenario, endpoint: int) -> None:
        say(f"== {scenario.name}: {scenario.title}")
        seconds = self.plan.paced_seconds if scenario.name == "paced" else self.plan.seconds
        running = self._start_all(scenario, endpoint)
        try:
            for number in range(self.plan.rounds):
                for peer in _rotated(list(running.values()), number):
                    self._note(scenario.name, number, peer,
                               lambda peer=peer: measure.window(peer, scenario, seconds, self.place))
        finally:
            for peer in running.values():
                peer.end()

    def _scale(self, scenario: Scenario, endpoint: int) -> None:
        """The gateway with more workers, on cores that it shares with the load where there are no others."""
        say(f"== {scenario.name}: {scenario.title}, with more workers")
        cores = [self.place.core, *self.place.load_cores]
        peer = next((peer for peer in self.plan.peers if peer.scales), None)
        for number in range(self.plan.rounds if peer else 0):
            for workers in SCALE_WORKERS:
                running = self._start(peer, scenario, endpoint, cores[:workers])
                if running is None:
                    continue
                try:
                    self._note(scenario.name, number, running, lambda running=running, workers=workers: {
                        "workers": workers, **measure.window(running, scenario, self.plan.seconds, self.place)})
                finally:
                    running.end()

    def _idle(self, held: Scenario, endpoint: int) -> None:
        say(f"== {held.name}: memory, {held.title}")
        steps = self.plan.stalled_steps if held is STALLED else self.plan.idle_steps
        self._fresh(held, self.plan.idle_rounds, endpoint, lambda running: measure.idle(
            running, held, steps, self.plan.settle, self.plan.after, self.place))

    def _storm(self, scenario: Scenario, endpoint: int) -> None:
        say(f"== {scenario.name}: {scenario.title}")
        self._fresh(scenario, self.plan.storm_rounds, endpoint, lambda running: measure.storm(
            running, scenario, self.plan.crowd, self.place))

    def _drain(self, scenario: Scenario, endpoint: int) -> None:
        say(f"== {scenario.name}: {scenario.title}")
        departure = self.plan.departure
        self._fresh(scenario, self.plan.drain_rounds, endpoint, lambda running: measure.drain(
            running, scenario, departure, self.plan.settle, self.place))

    def _fanout(self, scenario: Scenario, endpoint: int) -> None:
        say(f"== {scenario.name}: fan-out, {scenario.title}")
        self._fresh(scenario, self.plan.fanout_rounds, endpoint, lambda running: fanout.timed(
            running, scenario, self.plan.audience, self.plan.settle, self.place))

    def _subscribed(self, scenario: Scenario, endpoint: int) -> None:
        say(f"== {scenario.name}: memory of sessions, {scenario.title}")
        self._fresh(scenario, self.plan.idle_rounds, endpoint, lambda running: fanout.held(
            running, scenario, self.plan.subscribed_steps, self.plan.settle, self.plan.after, self.place))

    def _fresh(self, scenario: Scenario, rounds: int, endpoint: int, measurement: Callable[[Running], dict]) -> None:
        """Each measurement with a gateway that has just been started."""
        for number in range(rounds):
            for peer in _rotated(self._fit(scenario), number):
                if scenario.leaves:
                    peer = peer.leaving_over(self.plan.departure.over)
                if scenario.push:
                    peer = peer.pushing()
                running = self._start(peer, scenario, endpoint)
                if running is None:
                    continue
                try:
                    self._note(scenario.name, number, running, lambda running=running: measurement(running))
                finally:
                    running.end()

    def _fit(self, scenario: Scenario) -> list[Peer]:
        return [peer for peer in self.plan.peers if scenario.has(peer)]

    def _start_all(self, scenario: Scenario, endpoint: int) -> dict[str, Running]:
        started = {peer.name: self._start(peer, scenario, endpoint) for peer in self._fit(scenario)}
        return {name: running for name, running in started.items() if running}

    def _start(self, peer: Peer, scenario: Scenario, endpoint: int, cores: list[int] | None = None) -> Running | None:
        try:
            running = Running(peer, endpoint, cores or [self.place.core], self.place.load_cores, self.place.run)
        except (RuntimeError, OSError) as error:
            self._fail(peer.name, "start", error)
            return None
        try:
            if scenario.push:
                fanout.check(running, scenario, self.place)
            else:
                measure.check(running, held_like(scenario), self.place)
        except (RuntimeError, OSError) as error:
            running.end()
            self._fail(peer.name, "check", error)
            return None
        return running

    def _note(self, scenario: str, number: int, running: Running, measurement) -> None:
        name = running.peer.name
        if not running.tree.is_alive():
            self._fail(name, scenario, RuntimeError(f"it has ended: {running.tree.tail()}"))
            return
        try:
            result = {"round": number, **measurement()}
        except (RuntimeError, OSError, ValueError) as error:
            self._fail(name, scenario, error)
            return
        self.results.setdefault(scenario, {}).setdefault(name, []).append(result)
        say(f"   {name:16} {_summary(result)}")

    def _fail(self, peer: str, what: str, error: Exception) -> None:
        text = f"{peer}, {what}: {error}"
        self.failures.append(text)
        say(f"   FAILED {text}")
        with (Path(self.place.run) / "failures.log").open("a") as log:
            log.write(f"{text}\n{traceback.format_exc()}\n")


def _rotated(items: list, by: int) -> list:
    by %= max(1, len(items))
    return items[by:] + items[:by]


def _summary(result: dict) -> str:
    if "bytes_per_session" in result:
        return f"{result['bytes_per_session']:10,.0f} B a session"
    if "closes_a_second" in result:
        return (f"{result['codes'] or 'no Close'}, {result['ended']} ended, {result['reset']} reset, {result['left']} left, "
                f"{result['first_s']:.2f} to {result['last_s']:.2f} s, at most {result['most_in_a_second']} in a second, "
                f"{result['cpu_s']:.2f} s CPU, others {result['others_share']:.0%}")
    if "deliveries_a_cpu_second" in result:
        return (f"{result['deliveries_a_cpu_second']:10,.0f} deliveries a CPU second, {result['messages']} to {result['sessions']}, "
                f"{result['missed']} missed, {result['repeated']} repeated, {result['disordered']} out of order, "
                f"{result['lost']} lost, p50 {result['p50_us'] / 1000:.2f} ms, p99 {result['p99_us'] / 1000:.2f} ms, "
                f"{result['cpu_share']:.0%} CPU, clients' core {result['clients_share']:.0%} in use, others {result['others_share']:.0%}")
    if "clients" in result:
        return (f"{result['messages']} of {result['clients']} in {result['wall_s']:.2f} s, {result['missed']} missed, "
                f"{result['refused']} refused, {result['resumed']} resumed, "
                f"{result['cpu_s']:.2f} s CPU, clients' core {result['clients_share']:.0%} in use, others {result['others_share']:.0%}")
    return (f"{result['cpu_us']:10.2f} us CPU, {result['messages']:8} in {result['wall_s']:.2f} s, "
            f"p50 {result['p50_us']:.0f} us, p99 {result['p99_us']:.0f} us, "
            f"others {result['others_share']:.0%}")
