"""The gateways that are measured, and how each is started.

A peer's configuration is a file in `peers/`, which also says why it is as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from driver.processes import Tree, free_port, wait_until_serving

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
TOOLS = Path(os.environ.get("SWITCHYARD_TOOLS", Path.home() / ".cache/switchyard-tools"))
SWLOAD = HERE / "target/release/swload"
REFERENCE, REFERENCE_TLS = "fwd-rw", "fwd-tls"


@dataclass(frozen=True)
class Peer:
    """A gateway: where its program is, and what to say to it. In `argv`, `env` and the configuration
    files, @listen@, @tls@, @endpoint@ and @admin@ (each also with _host or _port) stand for addresses
    of one run, @run@ for its folder, @workers@ for a number, @certificate@, @key@ and @pair@ (both) for
    files."""

    name: str
    find: Callable[[], Path | None]
    argv: list[str]
    version: list[str] = field(default_factory=list)
    configs: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    scraped: bool = False
    scales: bool = False
    """Whether it is measured with more than one worker too."""
    listens: frozenset[str] = frozenset({"listen"})
    """Where it listens: @listen@, @tls@ or both."""

    def describe(self) -> str:
        """The version that the program says it is."""
        program = self.find()
        if program is None or not self.version:
            return ""
        done = subprocess.run([program, *self.version], capture_output=True, text=True, check=False)
        said = (done.stdout + done.stderr).replace(str(program), "")
        found = re.search(r"\d+\.\d+(\.\d+)*", said)
        return found.group() if found else ""


class Running:
    """A peer that listens."""

    def __init__(self, peer: Peer, endpoint: int, cores: list[int], run: Path):
        """On these cores, with a worker for each where the peer can be told."""
        self.peer = peer
        self.ports = {"listen": free_port(), "tls": free_port()}
        self.admin = free_port()
        folder = run / peer.name
        folder.mkdir(parents=True, exist_ok=True)
        values = {"run": str(folder), "workers": str(len(cores)), **{name: str(file) for name, file in identity(run).items()}}
        for name, port in [*self.ports.items(), ("endpoint", endpoint), ("admin", self.admin)]:
            values |= {name: f"127.0.0.1:{port}", f"{name}_host": "127.0.0.1", f"{name}_port": str(port)}
        for config in peer.configs:
            text = (HERE / "peers" / config).read_text()
            (folder / config).write_text(_fill(text, values))
        argv = [_fill(word, values) for word in peer.argv]
        pinned = ["taskset", "-c", ",".join(map(str, cores))]
        self.tree = Tree([*pinned, str(peer.find()), *argv],
                         folder / "output",
                         env={name: _fill(value, values) for name, value in peer.env.items()})
        try:
            for name in peer.listens:
                trusted = values["certificate"] if name == "tls" else None
                wait_until_serving(self.tree, self.ports[name], trusted)
        except BaseException:
            self.tree.end()
            raise

    def scrape(self) -> None:
        """Reads its metrics as Prometheus would."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=10) as answer:
            answer.read()


def identity(run: Path) -> dict[str, Path]:
    """A certificate for the loopback and its key, made once a run."""
    files = {name: run / f"{name}.pem" for name in ("certificate", "key", "pair")}
    if not files["pair"].exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", files["key"], "-out", files["certificate"], "-days", "30", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"],
            check=True, capture_output=True)
        files["pair"].write_text(files["certificate"].read_text() + files["key"].read_text())
    return files


def _fill(text: str, values: dict[str, str]) -> str:
    return re.sub(r"@(\w+)@", lambda match: values[match.group(1)], text)


def _switchyard() -> Path | None:
    named = os.environ.get("SWITCHYARD_BIN")
    path = Path(named) if named else ROOT / "target/release/switchyard"
    return path if path.exists() else None


def _system(name: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        return Path(found) if found else None
    return find


def _wheel(*places: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        found = [path for place in places for path in TOOLS.glob(f"peers/{place}")]
        return found[0] if found else None
    return find


def _swload() -> Path | None:
    return SWLOAD if SWLOAD.exists() else None


ONE_CORE = {"GOMAXPROCS": "1"}
# Nothing of theirs outside the folder of the run.
CADDY_HOME = {"XDG_DATA_HOME": "@run@", "XDG_CONFIG_HOME": "@run@"}

BOTH = frozenset({"listen", "tls"})

PEERS = [
    Peer(REFERENCE, _swload, ["forward", "--listen", "@listen@", "--to", "@endpoint@"]),
    Peer(REFERENCE_TLS, _swload, ["forward", "--listen", "@tls@", "--to", "@endpoint@",
                                  "--certificate", "@certificate@", "--key", "@key@"],
         listens=frozenset({"tls"})),
    Peer("switchyard", _switchyard, ["run", "--config", "@run@/switchyard.yaml"],
         ["--version"], ["switchyard.yaml"], scraped=True, scales=True, listens=BOTH),
    Peer("nginx", _system("nginx"), ["-p", "@run@", "-c", "@run@/nginx.conf"], ["-v"], ["nginx.conf"], listens=BOTH),
    Peer("nginx-64k", _system("nginx"), ["-p", "@run@", "-c", "@run@/nginx-64k.conf"],
         ["-v"], ["nginx-64k.conf"], listens=BOTH),
    Peer("haproxy", _system("haproxy"), ["-db", "-q", "-f", "@run@/haproxy.cfg"], ["-v"], ["haproxy.cfg"],
         listens=BOTH),
    Peer("envoy", _wheel("lib/python3*/site-packages/envoy/_bin/envoy"),
         ["-c", "@run@/envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "-l", "error"],
         ["--version"], ["envoy.yaml"], listens=BOTH),
    Peer("traefik", _wheel("bin/traefik"), ["--configFile=@run@/traefik.yaml"],
         ["version"], ["traefik.yaml", "traefik-routes.yaml"], ONE_CORE, listens=BOTH),
    Peer("caddy", _wheel("bin/caddy"), ["run", "--adapter", "caddyfile", "--config", "@run@/Caddyfile"],
         ["version"], ["Caddyfile"], ONE_CORE | CADDY_HOME, listens=BOTH),
]
