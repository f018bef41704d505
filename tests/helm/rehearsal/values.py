"""Values of a test: the chart's own, with times that a test can wait for."""

import copy

SHORT = {
    "config": {"routes": [{"name": "all", "cluster": "app", "affinity": [{"query": "user"}]}]},
    "drain": {"over": "2s", "ready_delay": "1s"},
    "rollout": {"minReadySeconds": 1},
    "probes": {"readiness": {"periodSeconds": 1}, "startup": {"periodSeconds": 1}},
}


def values(*changes):
    found = copy.deepcopy(SHORT)
    for change in changes:
        merge(found, change)
    return found


def merge(into, change):
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
