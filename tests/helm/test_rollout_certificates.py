"""Certificates of a Secret: one that was renewed is shown to whoever comes next, and nobody is asked to go for it."""

import base64
import ssl

from rehearsal.certificates import Authority
from rehearsal.clients import Endpoints, crowd
from rehearsal.scenario import rehearsal
from rehearsal.values import values

PLACE = "/etc/switchyard/secrets/tls"
LISTENER = {
    "name": "web", "address": "0.0.0.0:8443",
    "tls": {"certificates": [{"cert": f"{PLACE}/tls.crt", "key": f"{PLACE}/tls.key"}]},
}
VALUES = {
    "secrets": {"tls": "edge-tls"},
    "config": {"listeners": [LISTENER]},
    "test": {"echo": {"url": "wss://chat.example.com/echo", "ca": "tls"}},
}


def secret(authority, name):
    certificate, key = authority.issue(name, "DNS:chat.example.com")
    files = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.file}
    data = {entry: base64.b64encode(path.read_bytes()).decode() for entry, path in files.items()}
    return {"kind": "Secret", "metadata": {"name": "edge-tls"}, "data": data}


def shown(pod):
    """The certificate that a client gets to see now, as PEM."""
    return ssl.get_server_certificate((pod.address, 8443), timeout=5)


@rehearsal
async def test_a_renewed_certificate_is_shown_and_sessions_stay(cluster):
    authority = Authority(cluster.folder, "authority")
    await Endpoints(cluster).start(2)
    cluster.swap(secret(authority, "first"))
    await cluster.install(values(VALUES))
    await cluster.rolled_out()
    trusted = ssl.create_default_context(cafile=authority.file)
    clients = await crowd(cluster, 20, scheme="wss", ssl=trusted)
    pods = cluster.ready()
    before = {shown(pod) for pod in pods}

    cluster.swap(secret(authority, "second"))
    renewed = authority.file.with_name("second.crt").read_text(encoding="ascii")
    await cluster.until(lambda: [shown(pod) for pod in pods] == [renewed] * 2, "both show the new one")
    assert before == {authority.file.with_name("first.crt").read_text(encoding="ascii")}
    said = await cluster.test()
    assert not [log for code, log in said.values() if code != 0]
    await clients.stop()
    assert clients.ended() == {} and clients.refused() == []
    assert cluster.ready() == pods
