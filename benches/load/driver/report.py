"""What is written: results.json, tables in Markdown, plots. Not here: what the rounds come to."""

from __future__ import annotations

import json
from pathlib import Path

from driver import plot
from driver.peers import REFERENCE, REFERENCE_TLS
from driver.scenarios import Scenario
from driver.summary import Median, Summary

US = "switchyard"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
# Ratios that differ by less than this are the same, on the machines this runs on.
SAME = 0.03


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
    parts = [_machine(document, summary)]
    for tls in (False, True):
        scenarios = [scenario for scenario in summary.scenarios if scenario.tls == tls]
        if scenarios:
            parts += [_cpu(summary, scenarios), _absolute(summary, scenarios)]
    if any(scenario.latency for scenario in summary.scenarios):
        parts.append(_latency(summary))
    parts.append(_handshakes(summary))
    parts.append(_scale(summary))
    parts += [_memory(summary, held) for held in summary.held]
    parts.append(_lost(summary))
    if document["failures"]:
        parts.append("Failed: " + "; ".join(line.splitlines()[0] for line in document["failures"]) + ".")
    return "\n\n".join(part for part in parts if part)


def _machine(document: dict, summary: Summary) -> str:
    machine, plan = document["machine"], document["plan"]
    versions = ", ".join(f"{name} {version}" for name, version in document["peers"].items() if version)
    return (f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"Linux {machine['kernel']}; gateway on core {machine['gateway_core']}, load on "
            f"{', '.join(map(str, machine['load_cores']))}; {plan['rounds']} rounds of "
            f"{plan['seconds']:g} s, {plan['idle_rounds']} for memory; revision {machine['revision']}; {versions}. "
            f"Other work on the gateway's core: {summary.others():.0%} of the time.")


def _cpu(summary: Summary, scenarios: list[Scenario]) -> str:
    rows = [[peer, *(_ratio(summary.ratio(scenario, peer)) for scenario in scenarios)]
            for peer in summary.took_part(scenarios)]
    head = f"CPU, x {scenarios[0].reference}"
    return _table([head, *(scenario.title for scenario in scenarios)], rows)


def _absolute(summary: Summary, scenarios: list[Scenario]) -> str:
    figures = (f"{scenario.title}: {found.value:.2f} us a {scenario.unit}"
               for scenario in scenarios
               if (found := summary.of(scenario.name, scenario.reference, "cpu_us")))
    return f"1.00 is, in CPU time of {scenarios[0].reference}: " + "; ".join(figures) + "."


def _latency(summary: Summary) -> str:
    scenarios = [scenario for scenario in summary.scenarios if scenario.latency]
    keys = [("p50_us", "p50"), ("p99_us", "p99")]
    head = [f"{scenario.title}: {name}" for scenario in scenarios for _, name in keys]
    rows = [[peer, *(_number(summary.of(scenario.name, peer, key), 0)
                     for scenario in scenarios for key, _ in keys)] for peer in summary.took_part(scenarios)]
    return _table(["latency in us, client to client", *head], rows)


def _handshakes(summary: Summary) -> str:
    """What a core can do of handshakes, each with an echo and a Close."""
    scenarios = [scenario for scenario in summary.scenarios if scenario.name in ("churn", "tls-churn")]
    if not scenarios:
        return ""
    rows = [[peer, *(f"{1e6 / found.value:,.0f}" if (found := summary.of(scenario.name, peer, "cpu_us")) else "-"
                     for scenario in scenarios)] for peer in summary.took_part(scenarios)]
    head = ["over TLS" if scenario.tls else "plain" for scenario in scenarios]
    return _table(["sessions (handshake, echo, Close) a CPU second", *head], rows)


def _scale(summary: Summary) -> str:
    found = summary.scaled(US)
    if not found:
        return ""
    rows = [[str(scaled["workers"]), f"{scaled['cpu_us'].value:.2f} ±{scaled['cpu_us'].spread:.2f}",
             f"{scaled['cpu_us'].value / found[0]['cpu_us'].value:.2f}", _number(scaled["rate"], 0),
             f"{scaled['level'].value:.2f}"] for scaled in found]
    return _table(["workers of Switchyard, a core each", "CPU us a message", "x one worker", "messages a second",
                   "least busy worker, x busiest"], rows)


def _memory(summary: Summary, held: Scenario) -> str:
    after = summary.document["plan"]["after"]
    rows = []
    for peer in summary.peers:
        rounds = summary.results[held.name].get(peer, [])
        if rounds:
            last = rounds[-1]
            top = last["memory"][-1][0]
            rows.append([peer, _number(summary.of(held.name, peer, "bytes_per_session"), 0),
                         _mib(last["memory"][-1][1]),
                         _mib(last["after"])])
    head = [held.title, "bytes a session", f"whole process at {top:,}",
            f"{after:g} s after all have gone"]
    return _table(head, rows)


def _lost(summary: Summary) -> str:
    if US not in summary.peers:
        return ""
    lost = []
    for scenario in summary.scenarios:
        ours, best = summary.ratio(scenario, US), summary.best(scenario, US)
        if ours and best and ours.value > best[1] * (1 + SAME):
            lost.append(f"{scenario.title}: {ours.value:.2f} against {best[1]:.2f} of {best[0]}")
    for held in summary.held:
        lost += _lost_memory(summary, held)
    text = "; ".join(lost) if lost else "nowhere in this run"
    return f"**Where Switchyard is not the best gateway** (by more than {SAME:.0%}): {text}."


def _lost_memory(summary: Summary, held: Scenario) -> list[str]:
    found = {peer: figure.value for peer in summary.peers
             if peer not in (REFERENCE, REFERENCE_TLS)
             and (figure := summary.of(held.name, peer, "bytes_per_session"))}
    ours = found.pop(US, None)
    return [f"{held.title}: {ours:,.0f} bytes against {value:,.0f} of {peer}"
            for peer, value in found.items() if ours and value < ours]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    lines += [[f"**{cell}**" if row[0] == US else cell for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _ratio(found: Median | None) -> str:
    return f"{found.value:.2f} ±{found.spread:.2f}" if found else "-"


def _number(found: Median | None, digits: int) -> str:
    return f"{found.value:,.{digits}f}" if found else "-"


def _mib(count: float) -> str:
    return f"{count / 1024 / 1024:.1f} MiB"
