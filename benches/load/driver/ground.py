"""Before anything is measured: what is built, which cores there are, how many descriptors."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

from driver.campaign import say
from driver.measure import Place
from driver.peers import HERE, ROOT


def place(folder: Path) -> Place:
    """The gateway alone on the first core, the load on the others."""
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        say("WARNING: one core only: load and gateway share it")
    os.sched_setaffinity(0, others or [first])  # the driver is part of the load
    return Place(first, others or [first], folder)


def raise_limit() -> int:
    """Lets the children have as many descriptors as may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def build() -> None:
    """The load and the gateway, so that what is measured is what is here."""
    cargo = ["cargo", "build", "--release", "--locked", "--quiet"]
    # The profile of the gateway is not for the load.
    unguided = {**os.environ, "SWITCHYARD_GUIDE": "off"}
    subprocess.run([*cargo, "--manifest-path", HERE / "Cargo.toml"], cwd=HERE, check=True, env=unguided)
    if "SWITCHYARD_BIN" not in os.environ:
        say("building switchyard, where it is not up to date")
        subprocess.run(cargo, cwd=ROOT, check=True)
