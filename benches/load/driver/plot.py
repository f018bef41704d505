"""Which plots there are, and what is in them. Not here: how they are drawn (`bars`, `curves`, `pace`, `svg`)."""

from __future__ import annotations

from driver.bars import Bars
from driver.curves import Curves
from driver.pace import Pace
from driver.measure import Departure
from driver.peers import REFERENCES
from driver.scenarios import Scenario
from driver.summary import Summary
from driver.svg import Panel, page


def all_of(summary: Summary) -> dict[str, str]:
    """Each file that there is data for."""
    http1, http2 = summary.over_http2(False), summary.over_http2(True)
    charts = {
        "cpu.svg": ("CPU for the same work, raw forwarding = 1 (less is better)", _cpu(summary, http1)),
        "latency.svg": ("Latency in microseconds (less is better)", _latency(summary, http1)),
        "memory.svg": ("Memory of an idle session (less is better)", _memory(summary, summary.held_over_http2(False))),
        "http2.svg": ("Over HTTP/2: CPU, raw forwarding of HTTP/1.1 = 1, and memory (less is better)",
                      [*_cpu(summary, http2), *_memory(summary, summary.held_over_http2(True))]),
        "storm.svg": ("Everybody connects at once: who has a session by when", _storms(summary)),
        "drain.svg": ("The gateway is asked to go: when its sessions end (dashed: as even as can be)", _drains(summary)),
        "fanout.svg": ("Published to many sessions: deliveries a CPU second (more is better), lag and memory (less is better)",
                       [*_fanouts(summary), *_memory(summary, summary.subscribed)]),
    }
    return {name: page(head, panels) for name, (head, panels) in charts.items() if panels}


def _cpu(summary: Summary, scenarios: list[Scenario]) -> list[Panel]:
    panels = []
    for scenario in scenarios:
        bars = [(peer, found.value) for peer in summary.peers if peer not in REFERENCES
                and (found := summary.ratio(scenario, peer))]
        panels.append(Bars(scenario.title, bars, "{:.2f}", line_at=1.0))
    return [panel for panel in panels if panel.bars]


def _latency(summary: Summary, scenarios: list[Scenario]) -> list[Panel]:
    panels = []
    for scenario in (scenario for scenario in scenarios if scenario.latency):
        for key, name in [("p50_us", "median"), ("p99_us", "99 %")]:
            bars = [(peer, found.value) for peer in summary.peers
                    if (found := summary.of(scenario.name, peer, key))]
            panels.append(Bars(f"{scenario.name}: {name}", bars, "{:,.0f}"))
    return panels


def _memory(summary: Summary, scenarios: list[Scenario]) -> list[Panel]:
    panels = []
    for held in scenarios:
        bars = [(peer, max(0.0, found.value)) for peer in summary.peers
                if (found := summary.of(held.name, peer, "bytes_per_session"))]
        panels.append(Bars(f"{held.title}, bytes", bars, "{:,.0f}"))
    return panels


def _storms(summary: Summary) -> list[Panel]:
    return [Curves(storm.title, "% of the clients", "seconds after the first SYN",
                   [(peer, summary.arrivals(storm, peer)) for peer in summary.took_part([storm])])
            for storm in summary.storms]


def _fanouts(summary: Summary) -> list[Panel]:
    panels = []
    for scenario in summary.fanouts:
        for key, unit, words, form in [("deliveries_a_cpu_second", 1, "deliveries a CPU second", "{:,.0f}"),
                                       ("p50_us", 1000, "lag in ms, median", "{:,.1f}"),
                                       ("p99_us", 1000, "lag in ms, 99 %", "{:,.1f}")]:
            bars = [(peer, found.value / unit) for peer in summary.peers
                    if (found := summary.of(scenario.name, peer, key))]
            panels.append(Bars(f"{scenario.name}: {words}", bars, form))
    return panels


def _drains(summary: Summary) -> list[Panel]:
    panels = []
    for drain in summary.drains:
        departure = Departure(**summary.plan(drain)["departure"])
        paces = {peer: summary.pace(drain, peer) for peer in summary.took_part([drain])}
        last = max([departure.over, *map(len, paces.values())])
        most = max(departure.ideal, *(count for counts in paces.values() for count in counts))
        panels += [Pace(peer, counts, departure.ideal, departure.over, last, most) for peer, counts in paces.items()]
    return panels
