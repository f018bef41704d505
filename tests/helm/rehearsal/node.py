"""The node's network: a bridge that nobody else sees, with an address for each pod, service and application.

Entering it moves the calling thread, and so all that it opens and starts, until it leaves.
"""

import itertools
import os
import subprocess

from rehearsal import linux

BRIDGE = "pods"
ADDRESS = "10.42.0.1"
HARDWARE = "02:00:00:00:00:01"  # otherwise it is that of some pod, and another when this pod goes
PODS, SERVICES, APPLICATIONS = "10.42.1.", "10.42.2.", "10.42.3."


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


class Node:
    def __enter__(self):
        assert os.geteuid() == 0, "the rehearsal of the rollout needs root, for namespaces: run it as root"
        self._outside = linux.network()
        linux.unshare(linux.NEW_NETWORK)
        self._last = {prefix: itertools.count(1) for prefix in (PODS, SERVICES, APPLICATIONS)}
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", BRIDGE, "address", HARDWARE, "type", "bridge")
        run("ip", "address", "add", f"{ADDRESS}/16", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        return self

    def __exit__(self, *_):
        linux.enter(self._outside)
        os.close(self._outside)

    def address(self, prefix):
        """A new address of the node itself, for someone who listens in this process."""
        address = self._next(prefix)
        run("ip", "address", "add", f"{address}/32", "dev", BRIDGE)
        return address

    def sandbox(self):
        """A pod's network: its address, and the descriptor that keeps it."""
        address = self._next(PODS)
        name = f"pod{address.rsplit('.', 1)[1]}"
        inside = linux.network()
        linux.unshare(linux.NEW_NETWORK)
        sandbox = linux.network()
        linux.enter(inside)
        os.close(inside)
        there = f"/proc/self/fd/{sandbox}"
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", there, pass_fds=[sandbox])
        run("ip", "link", "set", name, "master", BRIDGE, "up")
        for command in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{address}/16", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("route", "add", "default", "via", ADDRESS),
        ):
            run("nsenter", f"--net={there}", "ip", *command, pass_fds=[sandbox])
        return address, sandbox

    def _next(self, prefix):
        return f"{prefix}{next(self._last[prefix])}"
