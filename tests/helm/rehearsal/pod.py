"""The life of a pod: its volumes, its init containers one after the other, then its containers with their probes; and its
end: preStop, SIGTERM, the grace, SIGKILL.

Not here: why there is a pod: see `deployment`; what a container is: see `process`.
"""

import asyncio
import contextlib
import os
import signal
import time

from rehearsal.probes import Probe
from rehearsal.process import Process, specification
from rehearsal.volumes import Missing, Volume

BACKOFF = 10.0  # before the second start and those after it
RETRY = 0.2  # where a volume's object is missing
DEFAULT_GRACE = 30


class Pod:
    def __init__(self, name, template, cluster):
        self.name, self.spec, self._cluster = name, template["spec"], cluster
        self.manifest = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": template["metadata"] | {"name": name}}
        self.labels = template["metadata"].get("labels", {})
        self.folder = cluster.folder / "pods" / name
        self.address, self.network = cluster.node.sandbox()
        self.environment = cluster.environment()
        self.folder.mkdir(parents=True)
        self.hosts = self.folder / "hosts"
        self.history = []  # (container's name, Process), as they were started
        self.ready_since = self.waits_for = None
        self.is_terminating = self.is_gone = False
        self._unready = {container["name"] for container in self.spec["containers"]}
        self._running = {}
        self.volumes = {volume["name"]: self._volume(volume) for volume in self.spec.get("volumes", [])}
        self.task = asyncio.create_task(self._run())

    @property
    def is_ready(self):
        """What its readiness probe says, terminating or not."""
        return self.ready_since is not None and not self.is_gone

    @property
    def grace(self):
        return self.spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE)

    def ports(self):
        """Name -> number, of all containers."""
        found = (port for container in self.spec["containers"] for port in container.get("ports", []))
        return {port["name"]: port["containerPort"] for port in found}

    def process(self, name=None):
        """The newest of a container; of the first one where nothing is said."""
        name = name or self.spec["containers"][0]["name"]
        return next((process for known, process in reversed(self.history) if known == name), None)

    def ended(self):
        """The newest of each container, when all have ended."""
        found = {container["name"]: self.process(container["name"]) for container in self.spec["containers"]}
        return found if all(process and process.exit_code is not None for process in found.values()) else None

    def log(self, name=None):
        process = self.process(name)
        return process.log.read_text(encoding="utf-8", errors="replace") if process else ""

    def read(self, path):
        """A file of one of its volumes, as `VOLUME/PATH`."""
        return (self.folder / "volumes" / path).read_text(encoding="utf-8")

    def field(self, source):
        """What `valueFrom` of a variable says."""
        path = source["fieldRef"]["fieldPath"]
        known = {"metadata.name": self.name, "metadata.namespace": self._cluster.namespace}
        return (known | {"status.podIP": self.address, "spec.nodeName": "node"})[path]

    def sync(self):
        """Volumes follow their objects, as they do in a cluster within a minute or so. One whose object is gone stays as it is;
        whether all were there."""
        try:
            for volume in self.volumes.values():
                volume.write(self._cluster.objects)
        except Missing as missing:
            self.waits_for = str(missing)
            return False
        return True

    # --- its beginning ---

    def _volume(self, manifest):
        folder = self.folder / "volumes" / manifest["name"]
        return Volume(folder, manifest, self.spec)

    async def _run(self):
        while not self.sync():
            self._cluster.changed()
            await asyncio.sleep(RETRY)
        self.hosts.write_text(self._cluster.hosts() + f"{self.address} {self.name}\n", encoding="ascii")
        for container in self.spec.get("initContainers", []):
            while (await self._once(container)) != 0:
                self._cluster.changed()
                await asyncio.sleep(BACKOFF)
        async with asyncio.TaskGroup() as group:
            for container in self.spec["containers"]:
                group.create_task(self._keep(container))

    async def _start(self, container):
        folder = self.folder / container["name"]
        folder.mkdir(exist_ok=True)
        starts = sum(name == container["name"] for name, _ in self.history)
        wanted = specification(container, self, self._cluster.image, folder)
        process = await Process.start(wanted, folder / f"{starts}.log")
        self.history.append((container["name"], process))
        return process

    async def _once(self, container):
        return await (await self._start(container)).ended()

    async def _keep(self, container):
        """Starts it again whenever it ends, if the pod's policy says so."""
        name = container["name"]
        again = {"Always": lambda code: True, "OnFailure": lambda code: code != 0, "Never": lambda code: False}
        policy = again[self.spec.get("restartPolicy", "Always")]
        while not self.is_terminating:
            process = self._running[name] = await self._start(container)
            probes = asyncio.create_task(self._probe(container, process))
            code = await process.ended()
            probes.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await probes
            self._say(name, False)
            if not policy(code):
                return
            if not self.is_terminating and sum(known == name for known, _ in self.history) > 1:
                await asyncio.sleep(BACKOFF)

    # --- its probes ---

    async def _probe(self, container, process):
        ports = self.ports()
        probe = {
            kind: Probe(container[f"{kind}Probe"], self.address, ports)
            for kind in ("startup", "readiness", "liveness") if f"{kind}Probe" in container
        }
        if "startup" in probe and not await self._has_started(probe["startup"], container, process):
            return
        if "readiness" not in probe:
            self._say(container["name"], True)
        async with asyncio.TaskGroup() as group:
            if "readiness" in probe:
                group.create_task(self._follow(probe["readiness"], container["name"]))
            if "liveness" in probe:
                group.create_task(self._guard(probe["liveness"], container, process))

    async def _has_started(self, probe, container, process):
        async for good in probe.verdicts():
            if good:
                return True
            await self._stop(container, process, self.grace if probe.grace is None else probe.grace)
            return False

    async def _follow(self, probe, name):
        async for good in probe.verdicts():
            self._say(name, good)

    async def _guard(self, probe, container, process):
        async for good in probe.verdicts():
            if not good and not self.is_terminating:
                await self._stop(container, process, self.grace if probe.grace is None else probe.grace)
                return

    def _say(self, name, ready):
        (self._unready.discard if ready else self._unready.add)(name)
        if bool(self._unready) == self.is_ready:
            self.ready_since = None if self._unready else time.monotonic()
            self._cluster.changed()

    # --- its end ---

    async def delete(self):
        self.is_terminating = True
        self._cluster.changed()
        if not self._running:
            self.task.cancel()
        containers = {container["name"]: container for container in self.spec["containers"]}
        await asyncio.gather(
            *(self._stop(containers.get(name, {}), process, self.grace) for name, process in self.history)
        )
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        self._leave()
        self._cluster.changed()

    async def kill(self):
        """At once, as when its node is lost."""
        self.task.cancel()
        for _, process in self.history:
            process.kill()
        await asyncio.gather(self.task, *(process.ended() for _, process in self.history), return_exceptions=True)
        self._leave()

    def _leave(self):
        if not self.is_gone:
            self.is_gone = True
            self._cluster.left(self)
            os.close(self.network)

    async def _stop(self, container, process, grace):
        """What is left of the grace after preStop is for SIGTERM, then it is killed."""
        hook = container.get("lifecycle", {}).get("preStop", {})
        assert set(hook) <= {"sleep"}, f"a preStop that there is no shell for: {hook}"
        try:
            async with asyncio.timeout(grace):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(hook.get("sleep", {}).get("seconds", 0)):
                        await process.ended()
                process.signal(signal.SIGTERM)
                await process.ended()
        except TimeoutError:
            process.kill()
            await process.ended()
