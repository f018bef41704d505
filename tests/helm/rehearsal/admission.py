"""What the API server makes of a pod before it is kept: the token of its service account, unless it wants none."""

import copy

VOLUME = "kube-api-access"
PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"
AUTHORITY = "kube-root-ca.crt"


def admit(template, objects):
    template = copy.deepcopy(template)
    spec = template["spec"]
    account = spec.setdefault("serviceAccountName", "default")
    found = objects.get("ServiceAccount", account)
    assert found or account == "default", f"no service account {account}"
    if spec.get("automountServiceAccountToken", (found or {}).get("automountServiceAccountToken", True)):
        spec.setdefault("volumes", []).append({"name": VOLUME, "projected": {"defaultMode": 0o644, "sources": SOURCES}})
        for container in spec["containers"] + spec.get("initContainers", []):
            container.setdefault("volumeMounts", []).append({"name": VOLUME, "mountPath": PLACE, "readOnly": True})
    return template


SOURCES = [
    {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
    {"configMap": {"name": AUTHORITY, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
]
