"""What a pod's admin API says, asked with the token that the chart made."""

import base64

from rehearsal.probes import ask

PORT = 9901


def token(cluster):
    kept = cluster.objects.get("Secret", "edge-switchyard-admin-token")
    return base64.b64decode(kept["data"]["admin-token"]).decode()


async def metrics(cluster, pod):
    """Each sample by its name with its labels, as it stands there."""
    status, body = await ask(pod.address, PORT, "/metrics", [("Authorization", f"Bearer {token(cluster)}")])
    assert status == 200, body
    samples = (line.rsplit(" ", 1) for line in body.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in samples}
