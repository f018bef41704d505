"""The whole cluster: what is applied to it becomes objects, services and pods, and tests ask it about them."""

import asyncio
import contextlib
import copy
import inspect
import time

from rehearsal import admission, forward, release
from rehearsal.api import PORT, Api
from rehearsal.deployment import Deployment
from rehearsal.node import APPLICATIONS, SERVICES
from rehearsal.objects import Objects
from rehearsal.pod import Pod
from rehearsal.services import Service

EVERY = 0.05  # seconds until `until` looks again, for changes that no pod announces
LAG = 0.3  # seconds until services know what happened to a pod
TESTS = "helm.sh/hook"
KEEP = {"helm.sh/resource-policy": "keep"}


class Cluster:
    def __init__(self, node, folder, image):
        self.node, self.folder, self.image, self.namespace = node, folder, image, release.NAMESPACE
        self.objects = Objects(self.namespace)
        self.pods, self.services, self.deployment = [], {}, None
        self._releases, self._hooks = [], []  # what each `helm upgrade` applied, and what `helm test` would
        self._servers, self._addresses = [], {}  # of services
        self._happened, self._watched = asyncio.Event(), []

    async def __aenter__(self):
        self.api = Api(self.objects, self.node.address(SERVICES), self.folder)
        await self.api.start()
        authority = {"kind": "ConfigMap", "metadata": {"name": admission.AUTHORITY}, "data": {"ca.crt": self.api.authority}}
        self.objects.apply(authority)
        return self

    async def __aexit__(self, *_):
        self.api.stop()
        for server in self._servers:
            server.close()
        if self.deployment:
            await self.deployment.end()
        for pod in self.pods:
            await pod.kill()

    # --- what an operator does ---

    async def install(self, values):
        await self._render(values, is_upgrade=False)

    async def upgrade(self, values):
        await self._render(values, is_upgrade=True)

    async def rollback(self):
        """To the release before: its manifests, as they were rendered then."""
        await self._apply(self._releases[-2])

    def scale(self, replicas):
        """What `kubectl scale` and an autoscaler do: to the live object, and to no file of anybody's."""
        manifest = copy.deepcopy(self.deployment.manifest)
        manifest["spec"]["replicas"] = replicas
        self.objects.apply(manifest)
        self.deployment.follow(manifest)

    def evict(self, pod):
        """What `kubectl drain` asks for each pod of a node; whether the disruption budget lets it go."""
        budget = self.objects.get("PodDisruptionBudget", self.deployment.name)
        if budget and len(self.ready()) <= self.deployment.replicas - budget["spec"]["maxUnavailable"]:
            return False
        self.deployment.delete(pod)
        return True

    async def test(self):
        """What `helm test` runs: (pod, container) -> (exit code, log)."""
        found = {}
        for manifest in self._hooks:
            pod = self.start(manifest["metadata"]["name"], manifest)
            await self.until(pod.ended, f"{pod.name} has ended")
            found |= {(pod.name, name): (process.exit_code, pod.log(name)) for name, process in pod.ended().items()}
            await pod.delete()
        return found

    def swap(self, manifest):
        """An object is applied alone, and reaches every pod."""
        self.objects.apply(manifest)
        self._sync()

    # --- what there is ---

    def application_address(self):
        return self.node.address(APPLICATIONS)

    def ready(self):
        """Pods of the Deployment that serve and are to stay."""
        return [pod for pod in self.deployment.pods() if pod.is_ready]

    async def until(self, is_so, what, seconds=30):
        """Waits until `is_so`, which may be a coroutine, says true. It is called whenever a pod changes, and every `EVERY` seconds."""
        deadline = time.monotonic() + seconds
        while not (await found if inspect.isawaitable(found := is_so()) else found):
            for task in [self.deployment.task, *(pod.task for pod in self.pods)]:
                if task.done() and not task.cancelled():
                    task.result()
            assert time.monotonic() < deadline, f"in vain for {seconds} s: {what}"
            self._happened.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._happened.wait()

    def watch(self, what):
        """A list of what `what` says now and whenever a pod changes."""
        found = [what()]
        self._watched.append(lambda: found.append(what()))
        return found

    async def rolled_out(self, seconds=60):
        await self.until(self.deployment.is_complete, "the rollout is complete", seconds)

    # --- what its parts ask of it ---

    def start(self, name, template):
        pod = Pod(name, admission.admit(template, self.objects), self)
        self.pods.append(pod)
        self.objects.apply(pod.manifest)
        self.changed()
        return pod

    def left(self, pod):
        self.objects.remove(pod.manifest)

    def changed(self):
        self._happened.set()
        for look in self._watched:
            look()
        for service in self.services.values():
            service.changed()
        if self.deployment:
            self.deployment.changed()

    def environment(self):
        return {"KUBERNETES_SERVICE_HOST": self.api.address, "KUBERNETES_SERVICE_PORT": str(PORT)}

    def hosts(self):
        """Instead of DNS: services by their names."""
        lines = ["127.0.0.1 localhost\n"]
        for name, service in self.services.items():
            pods = [address for address, _ in service.addresses(service.spec["ports"][0]["port"])]
            known = [self._addresses[name]] if name in self._addresses else pods
            names = f"{name} {name}.{self.namespace} {name}.{self.namespace}.svc {name}.{self.namespace}.svc.cluster.local"
            lines += [f"{address} {names}\n" for address in known]
        return "".join(lines)

    async def _render(self, values, is_upgrade):
        manifests = await release.rendered(values, self.api, self.folder, is_upgrade)
        self._hooks = [found for found in manifests if TESTS in annotations(found)]
        await self._apply([found for found in manifests if found not in self._hooks])

    async def _apply(self, manifests):
        before = self._releases[-1] if self._releases else []
        self._releases.append(manifests)
        kept = [self._merged(manifest, before) for manifest in manifests]
        for manifest in kept:
            self.objects.apply(manifest)
        for manifest in before:
            if not any(same(manifest, found) for found in kept) and KEEP.items() - annotations(manifest).items():
                self.objects.remove(manifest)
        self._sync()
        for manifest in kept:
            if manifest["kind"] == "Service":
                await self._serve(manifest)
        manifest = next((found for found in kept if found["kind"] == "Deployment"), None)
        assert manifest, "the rehearsal plays a Deployment, and none was rendered"
        if self.deployment:
            self.deployment.follow(manifest)
        else:
            self.deployment = Deployment(manifest, self)

    def _merged(self, manifest, before):
        """As Helm does: a number of pods that neither this release nor the one before says stays as it is."""
        live = self.objects.get("Deployment", manifest["metadata"]["name"])
        if manifest["kind"] != "Deployment" or not live:
            return manifest
        said = next(found["spec"] for found in before if same(found, manifest))
        if "replicas" in manifest["spec"] | said:
            return manifest
        return manifest | {"spec": manifest["spec"] | {"replicas": live["spec"]["replicas"]}}

    def _sync(self):
        for pod in self.pods:
            if not pod.is_gone:
                pod.sync()

    async def _serve(self, manifest):
        name = manifest["metadata"]["name"]
        if name in self.services:
            self.services[name].follow(manifest)
            return
        self.services[name] = service = Service(manifest, self, LAG)
        if manifest["spec"].get("clusterIP") != "None":
            self._addresses[name] = self.node.address(SERVICES)
            self._servers += await forward.listen(service, self._addresses[name])


def annotations(manifest):
    return manifest["metadata"].get("annotations", {})


def same(one, other):
    return (one["kind"], one["metadata"]["name"]) == (other["kind"], other["metadata"]["name"])
