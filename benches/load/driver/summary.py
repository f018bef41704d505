"""What the rounds come to: medians, spreads, ratios to the reference."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from driver.peers import REFERENCE, REFERENCE_TLS
from driver.scenarios import HELD, SCALE, SCALE_WORKERS, SCENARIOS, Scenario


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

    def best(self, scenario: Scenario, but: str) -> tuple[str, float] | None:
        """The gateway with the least CPU, the references and one more left out."""
        found = [(ratio.value, peer) for peer in self.peers if peer not in (REFERENCE, REFERENCE_TLS, but)
                 if (ratio := self.ratio(scenario, peer))]
        if not found:
            return None
        value, peer = min(found)
        return peer, value

    def others(self) -> float:
        """The share of the gateway's core that something else used: the median of all windows."""
        found = median([result["others_share"] for scenario in self.scenarios
                        for rounds in self.results[scenario.name].values() for result in rounds])
        return found.value if found else 0.0

    def _rounds(self, scenario: str, peer: str) -> list[dict]:
        return self.results.get(scenario, {}).get(peer, [])
