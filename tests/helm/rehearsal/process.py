"""One run of one container: what its manifest says of user, root, mounts and environment, started by `container`.

Not here: what is done when it ends, and how it is ended: see `pod`.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
NOBODY = 65532  # the user of the image
PLAYED = {"name", "command", "args", "env", "ports", "volumeMounts", "lifecycle", "securityContext"}
PLAYED |= {"startupProbe", "readinessProbe", "livenessProbe"}
LEFT_OUT = {"image", "imagePullPolicy", "resources"}


class Process:
    """A container that runs, or has run."""

    def __init__(self, log):
        self.log, self.exit_code, self.was_killed = log, None, False
        self._shim = self._pid = None

    @classmethod
    async def start(cls, specification, log):
        self = cls(log)
        reader, writer = os.pipe()
        with open(log, "ab") as output:
            self._shim = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "rehearsal.container", json.dumps(specification | {"started": writer}),
                cwd=PACKAGE.parent, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=[writer, specification["network"]],
            )
        os.close(writer)
        said = await asyncio.to_thread(os.read, reader, 16)
        os.close(reader)
        self._pid = int(said or 0)
        return self

    def signal(self, number):
        """To the container's first process; one that has ended has no use for it."""
        if self.exit_code is None and self._pid:
            try:
                os.kill(self._pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        self.was_killed = True
        self.signal(signal.SIGKILL)

    async def ended(self):
        self.exit_code = await self._shim.wait()
        return self.exit_code

    def status(self):
        """Fields of `/proc/PID/status`."""
        lines = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def writable(self):
        """Where its file systems are not read-only, but for what the kernel and the container engine have there."""
        lines = Path(f"/proc/{self._pid}/mountinfo").read_text(encoding="utf-8").splitlines()
        mounts = [(fields[4], fields[5].split(",")) for fields in map(str.split, lines)]
        known = ("/proc", "/dev", "/etc/hosts")
        return [place for place, options in mounts if "rw" in options and not place.startswith(known)]


def specification(container, pod, image, folder):
    """What `container` has to know. `image` is the root file system; its copy is made of links, in `folder`."""
    unknown = container.keys() - PLAYED - LEFT_OUT
    assert not unknown, f"the rehearsal does not know what to do with {unknown} of a container"
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(image.root, root, copy_function=os.link, symlinks=True)
    mounts = [
        {"source": str(pod.volumes[mount["name"]].folder), "path": mount["mountPath"], "read_only": mount.get("readOnly", False)}
        for mount in container.get("volumeMounts", [])
    ]
    assert not any("subPath" in mount for mount in container.get("volumeMounts", [])), "a subPath sees no change"
    hosts = {"source": str(pod.hosts), "path": "/etc/hosts", "read_only": False}
    return {
        "root": str(root),
        "network": pod.network,
        "mounts": [hosts, *mounts],
        "security": security(pod.spec, container),
        "environment": environment(container, pod),
        "command": container.get("command", image.entrypoint) + container.get("args", []),
    }


def security(spec, container):
    of_pod = spec.get("securityContext", {})
    of_both = of_pod | container.get("securityContext", {})
    user = of_both.get("runAsUser", NOBODY)
    assert user != 0 or not of_both.get("runAsNonRoot"), "container has runAsNonRoot and image will run as root"
    groups = of_pod.get("supplementalGroups", []) + ([of_pod["fsGroup"]] if "fsGroup" in of_pod else [])
    return {
        "user": user,
        "group": of_both.get("runAsGroup", NOBODY),
        "groups": groups,
        "read_only_root": of_both.get("readOnlyRootFilesystem", False),
        "no_capabilities": "ALL" in of_both.get("capabilities", {}).get("drop", []),
        "no_new_privileges": of_both.get("allowPrivilegeEscalation") is False,
    }


def environment(container, pod):
    found = dict(pod.environment)
    for variable in container.get("env", []):
        found[variable["name"]] = variable["value"] if "value" in variable else pod.field(variable["valueFrom"])
    return found
