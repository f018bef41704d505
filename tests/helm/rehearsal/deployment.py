"""The Deployment controller: so many pods, of the newest template, and how the older ones are replaced.

Not here: progress deadlines, pausing, undoing: undoing is an upgrade with older manifests.
"""

import asyncio
import hashlib
import itertools
import json
import time


def rounded(value, replicas, up):
    if isinstance(value, str):
        share = int(value.rstrip("%")) * replicas
        return -(-share // 100) if up else share // 100
    return value


class Deployment:
    def __init__(self, manifest, cluster):
        self._cluster, self._numbers, self._woken = cluster, itertools.count(1), asyncio.Event()
        self._pods, self._leaving = {}, []  # pod -> the template's hash
        self.follow(manifest)
        self.task = asyncio.create_task(self._control())

    def follow(self, manifest):
        self.manifest, self.name, self.spec = manifest, manifest["metadata"]["name"], manifest["spec"]
        template = json.dumps(self.spec["template"], sort_keys=True)
        self._hash = hashlib.sha256(template.encode()).hexdigest()[:8]
        self.replicas = self.spec.get("replicas", 1)
        strategy = self.spec.get("strategy", {}).get("rollingUpdate", {})
        self._surge = rounded(strategy.get("maxSurge", "25%"), self.replicas, up=True)
        self._away = rounded(strategy.get("maxUnavailable", "25%"), self.replicas, up=False)
        self._woken.set()

    def changed(self):
        self._woken.set()

    def pods(self):
        """Those that are to stay as long as nothing else is said, whatever their template."""
        return [pod for pod in self._pods if not pod.is_terminating]

    def current(self):
        return [pod for pod in self.pods() if self._pods[pod] == self._hash]

    def is_complete(self):
        """What `kubectl rollout status` waits for; pods that leave may still be there."""
        return len(self.current()) == len(self.pods()) == self.replicas and all(map(self._is_available, self.current()))

    def delete(self, pod):
        pod.is_terminating = True
        self._leaving.append(asyncio.create_task(pod.delete()))
        self._woken.set()

    async def end(self):
        self.task.cancel()
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(self.task, *self._leaving, return_exceptions=True)

    async def _control(self):
        while True:
            self._woken.clear()
            self._add()
            self._remove()
            waits = [self._available_at(pod) - time.monotonic() for pod in self.pods() if pod.is_ready]
            try:
                async with asyncio.timeout(min((wait for wait in waits if wait > 0), default=None)):
                    await self._woken.wait()
            except TimeoutError:
                self._cluster.changed()

    def _add(self):
        missing = self.replicas - len(self.current())
        room = self.replicas + self._surge - len(self.pods())
        for _ in range(min(missing, room)):
            name = f"{self.name}-{self._hash}-{next(self._numbers)}"
            self._pods[self._cluster.start(name, self.spec["template"])] = self._hash

    def _remove(self):
        """Older ones that do not serve go first, then as many as are not needed."""
        least = self.replicas - self._away
        current, older = self.current(), [pod for pod in self.pods() if self._pods[pod] != self._hash]
        unready = len(current) - sum(map(self._is_available, current))
        spare = max(len(self.pods()) - least - unready, 0)
        for pod in [pod for pod in older if not self._is_available(pod)][:spare]:
            self.delete(pod)
        spare = sum(map(self._is_available, self.pods())) - least
        for pod in [pod for pod in older if not pod.is_terminating][: max(spare, 0)]:
            self.delete(pod)
        newest_first = sorted(self.current(), key=lambda pod: (pod.is_ready, -(pod.ready_since or 0)))
        for pod in newest_first[: max(len(current) - self.replicas, 0)]:
            self.delete(pod)

    def _available_at(self, pod):
        return pod.ready_since + self.spec.get("minReadySeconds", 0)

    def _is_available(self, pod):
        return pod.is_ready and time.monotonic() >= self._available_at(pod)
