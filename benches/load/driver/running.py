"""A gateway that runs: its ports, its configuration, its processes. Not here: which there are (`peers`)."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from pathlib import Path

from driver.peers import HERE, Peer
from driver.processes import Tree, free_ports, wait_until_listening, wait_until_serving

PORTS = ("listen", "tls", "h2", "h2_tls", "behind", "helper", "admin")


class Running:
    """A peer that listens."""

    def __init__(self, peer: Peer, endpoint: int, cores: list[int], load_cores: list[int], run: Path):
        """On these cores, with a worker for each where the peer can be told; what plays an endpoint is on
        those of the load."""
        self.peer = peer
        self.endpoint = endpoint
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        self.trees: list[Tree] = []
        folder = run / peer.name
        folder.mkdir(parents=True, exist_ok=True)
        values = {"run": str(folder), "workers": str(len(cores)), **peer.times,
                  **{name: str(file) for name, file in identity(run).items()}}
        for name, port in [*self.ports.items(), ("endpoint", endpoint)]:
            values |= _address(name, port)
        values |= {name: _fill(text, values) for name, text in peer.more.items()}
        try:
            if peer.behind:
                self._write(peer.behind, folder, values)
                self._start(["run", "--config", f"@run@/{peer.behind}"], load_cores, folder / "behind", values)
                wait_until_serving(self.trees[0], self.ports["behind"], None)
                values |= _address("endpoint", self.ports["behind"])
            if peer.is_pushing and peer.helper:
                self._start(peer.helper.argv, load_cores, folder / peer.helper.name, values, peer.helper.find())
                wait_until_listening(self.trees[-1], self.ports["helper"])
            for config in peer.configs:
                self._write(config, folder, values)
            self._start(peer.argv, cores, folder / "output", values)
            self._wait(values["certificate"])
        except BaseException:
            self.end()
            raise

    @property
    def tree(self) -> Tree:
        """The processes that are measured."""
        return self.trees[-1]

    def _write(self, config: str, folder: Path, values: dict[str, str]) -> None:
        (folder / config).write_text(_fill((HERE / "peers" / config).read_text(), values))

    def _start(self, argv: list[str], cores: list[int], log: Path, values: dict[str, str],
               program: Path | None = None) -> None:
        pinned = ["taskset", "-c", ",".join(map(str, cores)), str(program or self.peer.find())]
        self.trees.append(Tree([*pinned, *(_fill(word, values) for word in argv)], log,
                               env={name: _fill(value, values) for name, value in self.peer.env.items()}))

    def _wait(self, certificate: str) -> None:
        path = self.peer.pushes.path.replace("{n}", "0") if self.peer.is_pushing else "/echo"
        for name in self.peer.listens & {"listen", "tls"}:
            wait_until_serving(self.tree, self.ports[name], certificate if name == "tls" else None, path)
        for name in self.peer.listens - {"listen", "tls"}:
            wait_until_listening(self.tree, self.ports[name])
        if self.peer.is_pushing:
            wait_until_listening(self.tree, self.ports["admin"])

    def held(self) -> int:
        """How many connections it has with the endpoint; where another process is before that, how many
        this one has, if it is connected to the one that is measured."""
        if self.peer.behind and not self.tree.connections_to(self.ports["behind"]):
            return 0
        return self.trees[0].connections_to(self.endpoint)

    def end(self) -> None:
        """Ends all its processes."""
        for tree in reversed(self.trees):
            tree.end()

    def scrape(self) -> None:
        """Reads its metrics as Prometheus would."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['admin']}/metrics", timeout=10) as answer:
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


def _address(name: str, port: int) -> dict[str, str]:
    return {name: f"127.0.0.1:{port}", f"{name}_host": "127.0.0.1", f"{name}_port": str(port)}


def _fill(text: str, values: dict[str, str]) -> str:
    return re.sub(r"@(\w+)@", lambda match: values[match.group(1)], text)
