"""Several runs as one: each scenario as it was measured last, and what of which run it is."""

from __future__ import annotations

OF_A_RUN = ("machine", "peers", "plan")


def merged(documents: list[dict]) -> dict:
    """One document of many. What is said of a run is kept in `parts`, as far as results are of that run."""
    if len(documents) == 1:
        return documents[0]
    runs = [run for document in documents for run in _apart(document)]
    results, owner = {}, {}
    for number, run in enumerate(runs):
        results |= run["results"]
        owner |= dict.fromkeys(run["results"], number)
    parts = [{**{key: run[key] for key in OF_A_RUN}, "scenarios": [name for name in results if owner[name] == number]}
             for number, run in enumerate(runs) if number in owner.values()]
    return {
        **{key: documents[-1][key] for key in OF_A_RUN},
        "peers": {name: version for part in parts for name, version in part["peers"].items()},
        "failures": [failure for document in documents for failure in document["failures"]],
        "results": results,
        "parts": parts,
    }


def parts_of(document: dict) -> list[dict]:
    """Machine, peers, plan and scenarios of each run that a document is made of."""
    whole = {**{key: document[key] for key in OF_A_RUN}, "scenarios": list(document["results"])}
    return document.get("parts", [whole])


def _apart(document: dict) -> list[dict]:
    """The runs of a document that is already made of several."""
    return [{**part, "results": {name: document["results"][name] for name in part["scenarios"]}}
            for part in parts_of(document)]
