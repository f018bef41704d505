#!/usr/bin/env python3
"""Compares two Autobahn reports, case by case.

usage: compare.py DIRECT GATEWAY     folders that hold an index.json each

A case's verdict is its behavior, its behaviorClose and the close code that the
suite's peer sent. Prints a table by section, then every case that differs.

Ten cases send a message and an illegal frame right behind it. Whether the echo
of the message comes before the connection is failed is a race within the peer;
the suite passes both, as OK with the echo and NON-STRICT without. So here both
are the same verdict.
Exit status: 0 the same verdicts, 1 differences or missing cases.
"""
import collections
import json
import pathlib
import sys

SECTIONS = {
    1: "framing", 2: "pings", 3: "reserved bits", 4: "opcodes", 5: "fragmentation", 6: "UTF-8",
    7: "close", 9: "limits", 10: "automatic fragments", 12: "compression", 13: "compression parameters",
}
VERDICT = ("behavior", "behaviorClose", "remoteCloseCode")
RACES = {"3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"}


def load(folder):
    """The cases of a report with one agent, by their number."""
    agents = json.loads((pathlib.Path(folder) / "index.json").read_text())
    (cases,) = agents.values()
    return cases


def order(case):
    return [int(part) for part in case.split(".")]


def verdict(number, cases):
    """What counts of a case; None if it is missing."""
    case = cases.get(number)
    if case is None:
        return None
    seen = [case[field] for field in VERDICT]
    if number in RACES and seen[0] == "NON-STRICT":
        seen[0] = "OK"
    return seen


def differences(direct, gateway):
    """The cases whose verdicts differ, those that one side lacks included."""
    numbers = sorted(set(direct) | set(gateway), key=order)
    return [number for number in numbers if verdict(number, direct) != verdict(number, gateway)]


def counts(cases):
    seen = collections.Counter(case["behavior"] for case in cases)
    return ", ".join(f"{seen[name]} {name}" for name in sorted(seen, key=lambda name: (name != "OK", name)))


def table(*sides):
    """A Markdown table: one row a section, then the sum; the last column only with two sides."""
    differing = differences(*sides) if len(sides) == 2 else []
    titles = ["section", "cases", "direct", "through the gateway", "differ"]
    if len(sides) == 1:
        titles = titles[:3]
    rows = [titles, ["---"] * len(titles)]

    def row(name, holds):
        columns = [[case for number, case in side.items() if holds(number)] for side in sides]
        cells = [name, str(len(columns[0])), *map(counts, columns)]
        rows.append(cells + [str(sum(map(holds, differing)))][: len(sides) - 1])

    for section in sorted({order(number)[0] for side in sides for number in side}):
        row(f"{section}. {SECTIONS.get(section, '')}", lambda number: order(number)[0] == section)
    row("all", lambda _: True)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def report(direct, gateway=None):
    """Prints the comparison, or one side alone; true when nothing differs."""
    if gateway is None:
        print(table(direct))
        return True
    print(table(direct, gateway))
    differing = differences(direct, gateway)
    for number in differing:
        told = [
            " / ".join(map(str, verdict(number, side))) if number in side else "missing"
            for side in (direct, gateway)
        ]
        print(f"{number}: direct {told[0]}; through the gateway {told[1]}")
    return not differing


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(0 if report(load(sys.argv[1]), load(sys.argv[2])) else 1)
