"""What the numbers were taken on."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path

from driver.measure import Place
from driver.peers import ROOT


def describe(place: Place) -> dict:
    """Processor, kernel, date, and the revision of the gateway."""
    cpu = next((line.partition(":")[2].strip()
                for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    memory = Path("/proc/meminfo").read_text().split()[1]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory) / 1024 / 1024),
        "kernel": platform.release(),
        "revision": _revision(),
        "gateway_core": place.core,
        "load_cores": place.load_cores,
    }


def _revision() -> str:
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
