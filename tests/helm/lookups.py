"""An API server for what helm looks up when it writes nothing: what kinds there are, and objects that a test names.

Not here: a cluster in which something happens (rehearsal/).
"""

import contextlib
import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import discovery
from chart import CHART, helm, render
from chart import Objects as Rendered

from rehearsal.objects import Objects

NAMESPACE = "web"


def render_in(objects: list[dict], folder: Path, values: dict, *flags: str) -> tuple[Rendered, list[str]]:
    """`helm template` that sees these objects; and what it asked for."""
    with _serving(objects) as (address, asked):
        return render(values, "--dry-run=server", *flags, env=tuple(_environment(folder, address).items())), asked


def notes(folder: Path, values: dict, objects: Sequence[dict] = ()) -> str:
    """What `helm install` says at its end, where these objects are."""
    command = ["install", "edge", str(CHART), "--namespace", NAMESPACE, "-f", "-", "--dry-run=server", "--output", "json"]
    command.append("--disable-openapi-validation")  # test_features.py has the schemas
    command.append("--take-ownership")  # or it refuses what is there
    with _serving(objects) as (address, _):
        said = helm(*command, stdin=json.dumps(values), env=_environment(folder, address))
    return json.loads(said)["info"]["notes"]


def _environment(folder: Path, address: str) -> dict[str, str]:
    """That of a user of this cluster alone."""
    file = folder / "kubeconfig"
    file.write_text(json.dumps(_kubeconfig(address)))
    return {"KUBECONFIG": str(file), "HOME": str(folder)}


def _kubeconfig(address: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }


@contextlib.contextmanager
def _serving(objects: Sequence[dict]):
    asked: list[str] = []
    kept = Objects(NAMESPACE)
    for each in objects:
        kept.apply(each)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.split("?")[0]
            asked.append(path)
            answer = discovery.answer(path, kept)
            body = json.dumps(answer or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}).encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

