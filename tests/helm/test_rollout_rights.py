"""A release that takes its pods' rights away: new ones, which cannot find an endpoint, take no old one's place."""

from rehearsal.admin import PORT, metrics
from rehearsal.clients import Endpoints, crowd
from rehearsal.probes import ask
from rehearsal.scenario import rehearsal
from rehearsal.values import values

CLIENTS = 40
FAILURES = "switchyard_discovery_failures_total{"
NEW = {"podLabels": {"version": "2"}}


@rehearsal
async def test_pods_that_may_not_find_endpoints_stop_the_rollout(cluster):
    await Endpoints(cluster).start(2)
    await cluster.install(values())
    await cluster.rolled_out()
    clients, before = await crowd(cluster, CLIENTS), cluster.ready()
    await cluster.upgrade(values(NEW, {"rbac": {"create": False}}))
    cluster.api.end_watches()
    new, = (pod for pod in await started(cluster) if pod not in before)
    await cluster.until(lambda: waits_for_discovery(new), "the new pod waits for what it may not ask")
    await cluster.until(lambda: all_refused(cluster, before), "the old ones were refused, too")

    later = await crowd(cluster, CLIENTS)
    await later.stop()
    assert later.refused() == [] and {client.sessions[0].pod for client in later.clients} == {pod.address for pod in before}
    assert cluster.ready() == before and cluster.deployment.pods() == [*before, new]
    assert clients.all_open() and clients.ended() == {} and clients.refused() == []

    await cluster.upgrade(values(NEW))
    await cluster.rolled_out()
    assert new in cluster.ready(), "it became ready as it was"
    await cluster.until(lambda: clients.all_at(cluster.ready()), "all clients are at the new pods")
    await clients.stop()
    assert set(clients.ended()) == {1012} and clients.refused() == []
    assert len(new.history) == 2, "check and run, once each"


async def started(cluster):
    """Pods, when the gateway of each runs."""
    await cluster.until(lambda: len(cluster.pods) == 3 and all(pod.process() for pod in cluster.pods), "there is a new pod")
    return cluster.pods


async def waits_for_discovery(pod):
    try:
        status, body = await ask(pod.address, PORT, "/readyz")
    except OSError:
        return False
    return status == 503 and "discovery" in body


async def all_refused(cluster, pods):
    """Whether the API server has turned each of them away."""
    found = [await metrics(cluster, pod) for pod in pods]
    return all(any(name.startswith(FAILURES) and count > 0 for name, count in each.items()) for each in found)
