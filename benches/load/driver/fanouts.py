"""What is written about messages that are published to many sessions: the tables, and where others are better."""

from __future__ import annotations

from driver.cells import SAME, number, table
from driver.fanout import Audience
from driver.peers import US, is_ours
from driver.scenarios import FANOUTS, Scenario
from driver.summary import Median, Summary

ELSEWHERE = """Centrifugo could not be had here. What its authors published is of other machines and another load, and no row of these
tables: 1 million WebSocket connections, each subscribed to two channels (one of its own, one of 10 subscribers), messages of about 100
bytes, about 500,000 deliveries a second with 200 ms at the 99th percentile, on 20 pods with 40 CPUs of Intel Xeon E5-2640 v4 (2.40 GHz) in
all and five Redis instances beside them: 12,500 deliveries for each second of one CPU. That is with 200,000 connects and disconnects a minute; about 10 of
the 40 CPUs are those of the connections without many messages. 27 GB of memory, about 30 kB a connection
([Million connections with Centrifugo](https://centrifugal.dev/blog/2020/02/10/million-connections-with-centrifugo), February 2020)."""


def parts(summary: Summary) -> list[str]:
    """Everything about them; nothing where nothing was measured."""
    if not (summary.fanouts or summary.subscribed):
        return []
    found = list(dict.fromkeys(_audience(summary.plan(scenario)) for scenario in summary.fanouts))
    found += [_of(summary, scenario) for scenario in summary.fanouts]
    if summary.subscribed:
        found.append(_memory(summary))
    return [*found, ELSEWHERE]


def _audience(plan: dict) -> str:
    """What was published to whom."""
    audience = Audience(**plan["audience"])
    said = [f"`{scenario.name}` {audience.listening(scenario):,} sessions and {audience.rate(scenario):,} messages a second"
            for scenario in FANOUTS]
    rounds = "one round" if plan["fanout_rounds"] == 1 else f"{plan['fanout_rounds']} rounds"
    return f"Fan-out: {', '.join(said)}; messages of 128 bytes for {audience.seconds:g} s; {rounds}."


def _of(summary: Summary, scenario: Scenario) -> str:
    """Who got the messages of one scenario, how soon, and what that cost."""
    rows = []
    for peer in summary.took_part([scenario]):
        def of(key: str, peer: str = peer) -> Median | None:
            return summary.of(scenario.name, peer, key)
        lags = [_millis(of(key)) for key in ("p50_us", "p99_us", "max_us")]
        last = [_millis(of(key)) for key in ("last_p50_us", "last_max_us")] if scenario.push == "one" else []
        counts = [number(of(key), 0) for key in ("missed", "repeated", "disordered", "lost")]
        rows.append([peer, number(of("deliveries_a_cpu_second"), 0), *lags, *last, *counts,
                     f"{of('cpu_share').value:.0%}", f"{of('clients_share').value:.0%}"])
    last = ["last session has it: p50 ms", "max"] if scenario.push == "one" else []
    return table([f"fan-out: {scenario.title}", "deliveries a CPU second", "lag p50 ms", "p99", "max", *last, "missed", "repeated",
                  "out of order", "sessions lost", "gateway's core in use", "clients' core"], rows)


def _memory(summary: Summary) -> str:
    """What a session costs by what it is subscribed to."""
    rows = [[peer, *(number(summary.of(scenario.name, peer, "bytes_per_session"), 0) for scenario in summary.subscribed)]
            for peer in summary.took_part(summary.subscribed)]
    return table(["idle session: bytes", *(scenario.title for scenario in summary.subscribed)], rows)


def lost(summary: Summary) -> list[str]:
    """Where others are better."""
    found = []
    for scenario in summary.fanouts:
        found += _lost(summary, scenario, "deliveries_a_cpu_second", 1, "{:,.0f}", "deliveries a CPU second", True)
        found += _lost(summary, scenario, "p99_us", 1000, "{:,.2f} ms", "until 99 % had it", False)
    for scenario in summary.subscribed:
        found += _lost(summary, scenario, "bytes_per_session", 1, "{:,.0f}", "bytes a session", False)
    return found


def _lost(summary: Summary, scenario: Scenario, key: str, unit: float, form: str, words: str,
          is_more_better: bool) -> list[str]:
    figures = {peer: found.value / unit for peer in summary.took_part([scenario])
               if (peer == US or not is_ours(peer)) and (found := summary.of(scenario.name, peer, key))}
    ours = figures.pop(US, None)
    if ours is None:
        return []
    return [f"fan-out, {scenario.title}: {form.format(ours)} {words} against {form.format(value)} of {peer}"
            for peer, value in figures.items()
            if (value > ours * (1 + SAME) if is_more_better else ours > value * (1 + SAME))]


def _millis(found: Median | None) -> str:
    return f"{found.value / 1000:,.2f}" if found else "-"
