"""What is written about drains: the table, and where others are more even."""

from __future__ import annotations

from driver.cells import SAME, number, table
from driver.measure import Departure
from driver.peers import PEERS, US, is_ours
from driver.scenarios import Scenario
from driver.summary import Summary


def departure(plan: dict) -> str:
    """What was asked for."""
    asked = Departure(**plan["departure"])
    return (f"Drain: {asked.sessions:,} idle sessions when the gateway is asked to go over {asked.over} s, so "
            f"{asked.ideal:,.0f} in a second if all seconds were the same; {_times(plan['drain_rounds'])}.")


def _times(rounds: int) -> str:
    return "one round" if rounds == 1 else f"{rounds} rounds"


def of(summary: Summary, drain: Scenario) -> str:
    """How the sessions of each gateway ended, and when."""
    ideal = Departure(**summary.plan(drain)["departure"]).ideal
    how = {peer.name: peer.leaving.how for peer in PEERS if peer.leaving}
    rows = []
    for peer in summary.took_part([drain]):
        codes = summary.codes(drain, peer)
        told = ", ".join(f"{found.value:,.0f} with {code}" for code, found in codes.items() if found.value) or "0"
        counts = [number(summary.of(drain.name, peer, key), 0) for key in ("ended", "reset", "left")]
        most = summary.of(drain.name, peer, "most_in_a_second")
        when = [number(summary.of(drain.name, peer, key), 2) for key in ("first_s", "last_s")]
        rows.append([peer, how.get(peer, "-"), told, *counts, number(most, 0), f"{most.value / ideal:,.1f}", *when,
                     number(summary.of(drain.name, peer, "cpu_s"), 2)])
    return table([drain.title, "asked by", "ended by a Close", "cut (1006): end of stream", "cut (1006): reset", "still open",
                   "most within a second", "x even", "first after s", "last", "CPU s"], rows)


def lost(summary: Summary, drain: Scenario) -> list[str]:
    """Where others let fewer go at once."""
    most = {peer: summary.of(drain.name, peer, "most_in_a_second").value for peer in summary.took_part([drain])
            if peer == US or not is_ours(peer)}
    ours = most.pop(US, 0.0)
    return [f"{drain.title}: at most {ours:,.0f} in a second against {value:,.0f} of {peer}"
            for peer, value in most.items() if ours > value * (1 + SAME)]
