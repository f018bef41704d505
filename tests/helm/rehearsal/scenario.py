"""Runs each scenario in a cluster of its own, with a deadline. When it fails, the message has the end of every pod's log."""

import asyncio
import tempfile
from pathlib import Path

from rehearsal import image
from rehearsal.cluster import Cluster
from rehearsal.node import Node

LINES = 15  # of each log that are shown, without its access log


def rehearsal(scenario):
    """Makes a test of a coroutine that takes a cluster."""

    def test():
        with Node() as node, tempfile.TemporaryDirectory(dir=image.folder().name) as folder:
            asyncio.run(play(scenario, node, Path(folder)))

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return test


async def play(scenario, node, folder, seconds=90):
    async with Cluster(node, folder, image.built()) as cluster:
        try:
            async with asyncio.timeout(seconds):
                await scenario(cluster)
        except BaseException as failure:
            failure.add_note(told(cluster))
            raise


def told(cluster):
    lines = [f"the API server answered {cluster.api.asked[-8:]}"]
    for pod in cluster.pods:
        state = "gone" if pod.is_gone else "terminating" if pod.is_terminating else "ready" if pod.is_ready else "not ready"
        for name, process in pod.history:
            lines.append(f"--- {pod.name} ({state}), {name}, exit code {process.exit_code}")
            said = process.log.read_text(encoding="utf-8", errors="replace").splitlines()
            lines += [line for line in said if '"target":"access"' not in line][-LINES:]
    return "\n".join(lines)
