"""swload as a child: the endpoint, and clients that wait to be let on."""

from __future__ import annotations

import json
import select
import subprocess
from pathlib import Path

from driver.peers import SWLOAD
from driver.processes import Tree
from driver.running import Running, identity
from driver.scenarios import Scenario

PATIENCE = 120


class Speaker:
    """A child that prints JSON lines and takes lines."""

    def __init__(self, argv: list[str], cores: list[int], log: Path):
        pinned = ["taskset", "-c", ",".join(map(str, cores)), str(SWLOAD), *argv]
        self.tree = Tree(pinned, log, {"RUST_BACKTRACE": "0"}, subprocess.PIPE, subprocess.PIPE)

    def hear(self, patience: float = PATIENCE) -> dict:
        """The next line. An error when the child ends or says nothing for too long."""
        stdout = self.tree.process.stdout
        if not select.select([stdout], [], [], patience)[0]:
            raise RuntimeError("the load says nothing")
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"the load ended: {self.tree.tail()}")
        return json.loads(line)

    def go(self) -> None:
        """Lets it on."""
        try:
            self.tree.process.stdin.write(b"\n")
            self.tree.process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(f"the load ended: {self.tree.tail()}") from None

    def end(self) -> None:
        """Ends it, whatever it does."""
        self.tree.end()
        self.tree.process.stdin.close()
        self.tree.process.stdout.close()

    def __enter__(self) -> "Speaker":
        return self

    def __exit__(self, *_) -> None:
        self.end()


def endpoint(cores: list[int], run: Path) -> tuple[Speaker, int]:
    """A running endpoint and its port."""
    speaker = Speaker(["endpoint", "--listen", "127.0.0.1:0"], cores, run / "endpoint.log")
    address = speaker.hear()["address"]
    return speaker, int(address.rpartition(":")[2])


def client(running: Running, scenario: Scenario, more: list[str], cores: list[int], run: Path) -> Speaker:
    """A client that waits before the timed part."""
    port = running.ports[scenario.entrance(running.peer)]
    common = ["client", "--target", f"127.0.0.1:{port}", "--gated", "--sources", str(scenario.sources)]
    trust = ["--tls", str(identity(run)["certificate"])] if scenario.tls else []
    http2 = ["--http2", str(scenario.on_each)] if scenario.is_over_http2(running.peer) else []
    return Speaker([*common, *trust, *http2, *scenario.load, *more], cores, run / "client.log")
