"""What is written: results.json, tables in Markdown, plots. Not here: what the rounds come to."""

from __future__ import annotations

import json
import math
from pathlib import Path

from driver import drains, fanouts, plot
from driver.cells import SAME, number, table
from driver.merge import parts_of
from driver.peers import REFERENCES, US, is_ours
from driver.scenarios import HELD, SCALE, SCENARIOS, SUBSCRIBED, Scenario
from driver.summary import Median, Summary

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def write(document: dict, folder: Path) -> None:
    """Results, tables and plots into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "tables.md").write_text(tables(document) + "\n")
    for name, svg in plot.all_of(Summary(document)).items():
        (folder / name).write_text(svg)


def publish(document: dict, docs: Path) -> None:
    """The same into the documents."""
    folder = docs / "benchmarks"
    write(document, folder)
    page = docs / "benchmarks.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    plots = "\n".join(f"![{path.stem}](benchmarks/{path.name})" for path in sorted(folder.glob("*.svg")))
    page.write_text(f"{before}{BEGIN}\n{tables(document)}\n\n{plots}\n{END}{after}")


def tables(document: dict) -> str:
    """Everything that a reader wants to see."""
    summary = Summary(document)
    parts = _machines(document, summary)
    parts += _timed(summary, summary.over_http2(False))
    parts.append(_handshakes(summary))
    parts.append(_scale(summary))
    parts += [_memory(summary, held) for held in summary.held_over_http2(False)]
    parts += _timed(summary, summary.over_http2(True))
    parts += [_memory(summary, held) for held in summary.held_over_http2(True)]
    parts += _crowds(summary)
    parts += [_storm(summary, storm) for storm in summary.storms]
    for drain in summary.drains:
        parts += [drains.departure(summary.plan(drain)), drains.of(summary, drain)]
    parts += fanouts.parts(summary)
    parts.append(_lost(summary))
    if document["failures"]:
        parts.append("Failed: " + "; ".join(line.splitlines()[0] for line in document["failures"]) + ".")
    return "\n\n".join(part for part in parts if part)


def _machines(document: dict, summary: Summary) -> list[str]:
    """What each run was done on, with what."""
    parts = parts_of(document)
    return [(f"{', '.join(part['scenarios'])}: " if len(parts) > 1 else "") + _machine(part, summary) for part in parts]


def _machine(part: dict, summary: Summary) -> str:
    machine, plan = part["machine"], part["plan"]
    versions = ", ".join(f"{name} {version}" for name, version in part["peers"].items()
                         if version and (name == US or not is_ours(name)))
    return (f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"Linux {machine['kernel']}; gateway on core {machine['gateway_core']}, load on "
            f"{', '.join(map(str, machine['load_cores']))}; {_rounds(plan, part['scenarios'])}revision {machine['revision']}; {versions}. "
            f"Other work on the gateway's core: {summary.others(part['scenarios']):.0%} of the time.")


def _rounds(plan: dict, scenarios: list[str]) -> str:
    """How much was done of what is timed and of what is held. Storms and drains say so themselves."""
    said = []
    if any(scenario.name in scenarios for scenario in [*SCENARIOS, SCALE]):
        said.append(f"{plan['rounds']} rounds of {plan['seconds']:g} s")
    if any(held.name in scenarios for held in [*HELD, *SUBSCRIBED]):
        said.append(f"{plan['idle_rounds']} for memory")
    return ", ".join(said) + "; " if said else ""


def _timed(summary: Summary, scenarios: list[Scenario]) -> list[str]:
    """CPU and latency of some scenarios, which are all over HTTP/2 or none."""
    parts = []
    for tls in (False, True):
        same = [scenario for scenario in scenarios if scenario.tls == tls]
        if same:
            parts += [_cpu(summary, same), _absolute(summary, same)]
    with_latency = [scenario for scenario in scenarios if scenario.latency]
    if with_latency:
        parts.append(_latency(summary, with_latency))
    return parts


def _cpu(summary: Summary, scenarios: list[Scenario]) -> str:
    rows = [[peer, *(_ratio(summary.ratio(scenario, peer)) for scenario in scenarios)]
            for peer in summary.took_part(scenarios)]
    head = f"CPU, x {scenarios[0].reference}"
    if scenarios[0].on_each:
        head = f"HTTP/2: {head} over HTTP/1.1"
    return table([head, *(scenario.title for scenario in scenarios)], rows)


def _absolute(summary: Summary, scenarios: list[Scenario]) -> str:
    figures = (f"{scenario.title}: {found.value:.2f} us a {scenario.unit}"
               for scenario in scenarios
               if (found := summary.of(scenario.name, scenario.reference, "cpu_us")))
    return f"1.00 is, in CPU time of {scenarios[0].reference}: " + "; ".join(figures) + "."


def _latency(summary: Summary, scenarios: list[Scenario]) -> str:
    keys = [("p50_us", "p50"), ("p99_us", "p99")]
    head = [f"{scenario.title}: {name}" for scenario in scenarios for _, name in keys]
    rows = [[peer, *(number(summary.of(scenario.name, peer, key), 0)
                     for scenario in scenarios for key, _ in keys)] for peer in summary.took_part(scenarios)]
    over = "HTTP/2: " if scenarios[0].on_each else ""
    return table([f"{over}latency in us, client to client", *head], rows)


def _handshakes(summary: Summary) -> str:
    """What a core can do of handshakes, each with an echo and a Close."""
    scenarios = [scenario for scenario in summary.scenarios if scenario.name in ("churn", "tls-churn")]
    if not scenarios:
        return ""
    rows = [[peer, *(f"{1e6 / found.value:,.0f}" if (found := summary.of(scenario.name, peer, "cpu_us")) else "-"
                     for scenario in scenarios)] for peer in summary.took_part(scenarios)]
    head = ["over TLS" if scenario.tls else "plain" for scenario in scenarios]
    return table(["sessions (handshake, echo, Close) a CPU second", *head], rows)


def _scale(summary: Summary) -> str:
    found = summary.scaled(US)
    if not found:
        return ""
    rows = [[str(scaled["workers"]), f"{scaled['cpu_us'].value:.2f} ±{scaled['cpu_us'].spread:.2f}",
             f"{scaled['cpu_us'].value / found[0]['cpu_us'].value:.2f}", number(scaled["rate"], 0),
             f"{scaled['level'].value:.2f}"] for scaled in found]
    return table(["workers of Switchyard, a core each", "CPU us a message", "x one worker", "messages a second",
                   "least busy worker, x busiest"], rows)


def _memory(summary: Summary, held: Scenario) -> str:
    after = summary.plan(held)["after"]
    rows = []
    for peer in summary.peers:
        rounds = summary.results[held.name].get(peer, [])
        if rounds:
            last = rounds[-1]
            top = last["memory"][-1][0]
            rows.append([peer, number(summary.of(held.name, peer, "bytes_per_session"), 0),
                         _mib(last["memory"][-1][1]),
                         _mib(last["after"])])
    head = [held.title, "bytes a session", f"whole process at {top:,}",
            f"{after:g} s after all have gone"]
    return table(head, rows)


def _crowds(summary: Summary) -> list[str]:
    """Once, where all storms are of one run."""
    return list(dict.fromkeys(_crowd(summary.plan(storm)) for storm in summary.storms))


def _crowd(plan: dict) -> str:
    crowd = plan["crowd"]
    again = f"up to {crowd['attempts']} attempts, {crowd['pause']:g} s apart" if crowd["attempts"] > 1 else "one attempt"
    more = "".join(f" `switchyard-{name}` has `{yaml}` in {where}."
                   for where, named in plan["variants"].items() for name, yaml in named.items())
    return (f"Storms: {crowd['clients']:,} clients connect at once, each has {crowd['deadline']:g} s for TLS and its "
            f"WebSocket, {again}; {plan['storm_rounds']} rounds.{more}")


def _storm(summary: Summary, storm: Scenario) -> str:
    rows = []
    for peer in summary.took_part([storm]):
        arrivals = summary.arrivals(storm, peer)
        when = [f"{arrivals[percent - 1]:.2f}" if percent <= len(arrivals) else "never" for percent in (10, 50, 90, 99)]
        counts = [number(summary.of(storm.name, peer, key), 0)
                  for key in ("messages", "missed", "refused", "lost", "resumed")]
        rows.append([peer, counts[0], *when, *counts[1:], number(summary.of(storm.name, peer, "cpu_us"), 0),
                     f"{summary.of(storm.name, peer, 'clients_share').value:.0%}"])
    return table([storm.title, "clients with a session", "10 % after s", "50 %", "90 %", "99 %", "attempts out of time",
                   "refused", "sessions lost", "resumed", "CPU us a client", "clients' core in use"], rows)


def _lost(summary: Summary) -> str:
    if US not in summary.peers:
        return ""
    lost = []
    for scenario in summary.scenarios:
        ours, best = summary.ratio(scenario, US), summary.best(scenario)
        if ours and best and ours.value > best[1] * (1 + SAME):
            over = "HTTP/2: " if scenario.on_each else ""
            lost.append(f"{over}{scenario.title}: {ours.value:.2f} against {best[1]:.2f} of {best[0]}")
    for held in summary.held:
        lost += _lost_memory(summary, held)
    for storm in summary.storms:
        lost += _lost_time(summary, storm)
    for drain in summary.drains:
        lost += drains.lost(summary, drain)
    lost += fanouts.lost(summary)
    text = "; ".join(lost) if lost else "nowhere in this run"
    return f"**Where Switchyard is not the best gateway** (by more than {SAME:.0%}): {text}."


def _lost_memory(summary: Summary, held: Scenario) -> list[str]:
    found = {peer: figure.value for peer in summary.peers
             if peer not in REFERENCES and (peer == US or not is_ours(peer))
             and (figure := summary.of(held.name, peer, "bytes_per_session"))}
    ours = found.pop(US, None)
    return [f"{held.title}: {ours:,.0f} bytes against {value:,.0f} of {peer}"
            for peer, value in found.items() if ours and value < ours]


def _lost_time(summary: Summary, storm: Scenario) -> list[str]:
    """Where others have all but the last percent of a storm's clients served sooner."""
    nearly = {peer: arrivals[98] if len(arrivals) > 98 else math.inf for peer in summary.took_part([storm])
              if peer not in REFERENCES and (peer == US or not is_ours(peer)) and (arrivals := summary.arrivals(storm, peer))}
    ours = nearly.pop(US, math.inf)
    when = "never" if math.isinf(ours) else f"after {ours:.2f} s"
    return [f"{storm.title}: 99 % {when} against {seconds:.2f} s of {peer}"
            for peer, seconds in nearly.items() if ours > seconds * (1 + SAME)]


def _ratio(found: Median | None) -> str:
    return f"{found.value:.2f} ±{found.spread:.2f}" if found else "-"


def _mib(count: float) -> str:
    return f"{count / 1024 / 1024:.1f} MiB"
