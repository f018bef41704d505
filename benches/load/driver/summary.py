"""What the rounds come to: medians, spreads, ratios to the reference."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from driver.merge import parts_of
from driver.peers import REFERENCES, is_ours
from driver.scenarios import DRAINS, FANOUTS, HELD, SCALE, SCALE_WORKERS, SCENARIOS, STORMS, SUBSCRIBED, Scenario


@dataclass(frozen=True)
class Median:
    """The middle of some values, and half the distance between their quartiles."""

    value: float
    spread: float


def median(values: list[float]) -> Median | None:
    """None of nothing."""
    if not values:
        return None
    if len(values) == 1:
        return Median(values[0], 0.0)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Median(middle, (high - low) / 2)


class Summary:
    """Questions to the results of a run."""

    def __init__(self, document: dict):
        self.document = document
        self.results = document["results"]
        self.peers = [name for name in document["peers"]
                      if any(name in by_peer for by_peer in self.results.values())]
        self.scenarios = [scenario for scenario in SCENARIOS if scenario.name in self.results]
        self.held = [scenario for scenario in HELD if scenario.name in self.results]
        self.storms = [scenario for scenario in STORMS if scenario.name in self.results]
        self.drains = [scenario for scenario in DRAINS if scenario.name in self.results]
        self.fanouts = [scenario for scenario in FANOUTS if scenario.name in self.results]
        self.subscribed = [scenario for scenario in SUBSCRIBED if scenario.name in self.results]

    def over_http2(self, so: bool) -> list[Scenario]:
        """The timed scenarios over HTTP/2, or the others."""
        return [scenario for scenario in self.scenarios if bool(scenario.on_each) == so]

    def held_over_http2(self, so: bool) -> list[Scenario]:
        """The same of those that are about memory."""
        return [scenario for scenario in self.held if bool(scenario.on_each) == so]

    def of(self, scenario: str, peer: str, key: str) -> Median | None:
        """The median of one figure."""
        return median([result[key] for result in self._rounds(scenario, peer)])

    def scaled(self, peer: str) -> list[dict]:
        """For each number of workers: CPU a message and messages a second, as medians, and the share of
        the least busy worker in what the busiest did."""
        found = []
        for workers in SCALE_WORKERS:
            rounds = [result for result in self._rounds(SCALE.name, peer) if result["workers"] == workers]
            if rounds:
                found.append({
                    "workers": workers,
                    "cpu_us": median([result["cpu_us"] for result in rounds]),
                    "rate": median([result["messages"] / result["wall_s"] for result in rounds]),
                    "level": median([result["threads_s"][workers - 1] / result["threads_s"][0] for result in rounds]),
                })
        return found

    def took_part(self, scenarios: list[Scenario]) -> list[str]:
        """The peers with a result in any of these."""
        return [peer for peer in self.peers if any(peer in self.results[s.name] for s in scenarios)]

    def ratio(self, scenario: Scenario, peer: str) -> Median | None:
        """The median of the ratios of CPU to the reference, round by round."""
        key = "cpu_us"
        reference = {result["round"]: result[key]
                     for result in self._rounds(scenario.name, scenario.reference)}
        return median([result[key] / reference[result["round"]]
                       for result in self._rounds(scenario.name, peer) if reference.get(result["round"])])

    def arrivals(self, storm: Scenario, peer: str) -> list[float]:
        """When one percent of a storm's clients had a session, when two had, and so on, in seconds: medians
        of the rounds, as far as most of the rounds came."""
        rounds = [result["percent_s"] for result in self._rounds(storm.name, peer)]
        found = []
        for percent in range(max(map(len, rounds), default=0)):
            seconds = statistics.median_high([curve[percent] if percent < len(curve) else math.inf for curve in rounds])
            if math.isinf(seconds):
                break
            found.append(seconds)
        return found

    def pace(self, drain: Scenario, peer: str) -> list[float]:
        """How many sessions of a drain ended in the first second, in the next, and so on: medians of the rounds."""
        rounds = [result["closes_a_second"] for result in self._rounds(drain.name, peer)]
        seconds = range(max(map(len, rounds), default=0))
        return [statistics.median(counts[second] if second < len(counts) else 0 for counts in rounds) for second in seconds]

    def codes(self, drain: Scenario, peer: str) -> dict[str, Median]:
        """How many sessions of a drain were told to go by a Close with which code."""
        rounds = [result["codes"] for result in self._rounds(drain.name, peer)]
        return {code: median([codes.get(code, 0) for codes in rounds]) for code in sorted(set().union(*rounds))}

    def best(self, scenario: Scenario) -> tuple[str, float] | None:
        """The gateway with the least CPU, the references and our own left out."""
        found = [(ratio.value, peer) for peer in self.peers if peer not in REFERENCES and not is_ours(peer)
                 if (ratio := self.ratio(scenario, peer))]
        if not found:
            return None
        value, peer = min(found)
        return peer, value

    def plan(self, scenario: Scenario) -> dict:
        """How much was done of it."""
        return next(part["plan"] for part in parts_of(self.document) if scenario.name in part["scenarios"])

    def others(self, scenarios: list[str]) -> float:
        """The share of the gateway's core that something else used: the median of all windows of these."""
        found = median([result["others_share"] for scenario in [*self.scenarios, *self.storms, *self.drains, *self.fanouts]
                        if scenario.name in scenarios for rounds in self.results[scenario.name].values() for result in rounds])
        return found.value if found else 0.0

    def _rounds(self, scenario: str, peer: str) -> list[dict]:
        return self.results.get(scenario, {}).get(peer, [])
