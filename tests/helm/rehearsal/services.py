"""Which pods a service leads to. What happens to pods is known here only after a while, as in a cluster, where it goes from the
kubelet over the API server and its controllers to each node's proxy and to load balancers outside.
"""

import asyncio
import random


class Service:
    def __init__(self, manifest, cluster, lag):
        self._cluster, self._lag = cluster, lag
        self.name = manifest["metadata"]["name"]
        self._pods = []
        self.follow(manifest)

    def follow(self, manifest):
        self.spec = manifest["spec"]
        self.changed()

    def changed(self):
        asyncio.get_running_loop().call_later(self._lag, self._take, self._chosen())

    def addresses(self, port):
        """(address, port) of each pod that it leads to."""
        wanted = next(entry for entry in self.spec["ports"] if port in (entry.get("name"), entry["port"]))
        target = wanted.get("targetPort", wanted["port"])
        return [(pod.address, pod.ports().get(target, target)) for pod in self._pods]

    def pick(self, port):
        return random.choice(self.addresses(port))

    def _take(self, pods):
        self._pods = pods

    def _chosen(self):
        """Ready ones; where there is none, those that leave and still serve."""
        selected = [pod for pod in self._cluster.pods if self._selects(pod)]
        if self.spec.get("publishNotReadyAddresses"):
            return selected
        serving = [pod for pod in selected if pod.is_ready]
        return [pod for pod in serving if not pod.is_terminating] or serving

    def _selects(self, pod):
        return not pod.is_gone and self.spec["selector"].items() <= pod.labels.items()
