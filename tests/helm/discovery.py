"""What an API server tells Helm: which kinds there are, which it asks before it looks an object up, and then the object.

Not here: how objects are kept (rehearsal/objects.py), and how a request arrives (lookups.py, and rehearsal/api.py).
"""

from chart import NEWEST

KINDS = {
    "v1": ["Secret", "ConfigMap", "Service", "ServiceAccount", "Pod"],
    "apps/v1": ["Deployment", "DaemonSet"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
    "rbac.authorization.k8s.io/v1": ["Role", "RoleBinding"],
    "monitoring.coreos.com/v1": ["ServiceMonitor", "PodMonitor", "PrometheusRule"],
}


def answer(path: str, objects) -> dict | None:
    """What is said at this path, of kinds or of what `objects` keeps; None where there is nothing."""
    if not (wanted := _asked_for(path)):
        return _about(path)
    kind, namespace, name = wanted
    return objects.get(kind, name, namespace) if name else _listed(kind, objects.of(kind, namespace))


def _about(path: str) -> dict | None:
    """What is said of kinds at this path; None where it is about something else."""
    if path == "/version":
        major, minor = NEWEST.split(".")
        return {"major": major, "minor": minor, "gitVersion": f"v{NEWEST}.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [(version.split("/")[0], {"groupVersion": version, "version": version.split("/")[1]}) for version in KINDS if "/" in version]
        return {"kind": "APIGroupList", "groups": [{"name": name, "versions": [it], "preferredVersion": it} for name, it in groups]}
    for version, kinds in KINDS.items():
        if path == _base(version):
            resources = [{"name": _plural(kind), "kind": kind, "namespaced": True, "verbs": ["get", "list"]} for kind in kinds]
            return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
    return None


def _asked_for(path: str) -> tuple[str, str, str | None] | None:
    """Kind, namespace and name that a path is of; without a name it is of all of a kind in a namespace."""
    for version, kinds in KINDS.items():
        for kind in kinds:
            space, _, rest = path.removeprefix(f"{_base(version)}/namespaces/").partition("/")
            known, _, name = rest.partition("/")
            if path.startswith(f"{_base(version)}/namespaces/") and known == _plural(kind):
                return kind, space, name or None
    return None


def _listed(kind: str, items: list[dict]) -> dict:
    """All of a kind, as they are listed."""
    version = next(version for version, kinds in KINDS.items() if kind in kinds)
    return {"apiVersion": version, "kind": f"{kind}List", "metadata": {}, "items": items}


def _base(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _plural(kind: str) -> str:
    return kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")
