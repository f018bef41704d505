"""Nodes that are drained: pods are evicted, as far as the disruption budget lets them, and others take their place."""

from websockets.asyncio.client import connect

from rehearsal.clients import Endpoints, crowd
from rehearsal.scenario import rehearsal
from rehearsal.values import values

CLIENTS = 40


async def call(service):
    """A session of one message."""
    host, port = service.pick("web")
    async with connect("ws://chat.example.com/chat", host=host, port=port, proxy=None) as socket:
        await socket.send("1")
        assert (await socket.recv()).endswith(":1")


@rehearsal
async def test_an_only_pod_serves_whoever_comes_until_another_does(cluster):
    await Endpoints(cluster).start(2)
    await cluster.install(values({"replicaCount": 1, "drain": {"over": "1s", "ready_delay": "3s"}}))
    await cluster.rolled_out()
    pod, = cluster.ready()
    service = cluster.services["edge-switchyard"]
    await call(service)
    assert cluster.evict(pod), "there is no budget for an only pod"
    alone = 0
    while not pod.is_gone:
        await call(service)
        alone += not cluster.ready()
    assert alone > 0, "there was a time without a ready pod"
    assert len(cluster.ready()) == 1
    assert (pod.process().exit_code, pod.process().was_killed) == (0, False)


@rehearsal
async def test_of_two_pods_the_second_goes_when_the_first_was_replaced(cluster):
    await Endpoints(cluster).start(2)
    await cluster.install(values())
    await cluster.rolled_out()
    clients = await crowd(cluster, CLIENTS)
    first, second = cluster.ready()
    least = cluster.watch(lambda: len(cluster.ready()))
    assert cluster.evict(first)
    assert not cluster.evict(second), "the budget is used up"
    await cluster.until(lambda: cluster.evict(second), "the second may go")
    await cluster.until(lambda: first.is_gone and second.is_gone, "both have left")
    await cluster.until(lambda: clients.all_at(cluster.ready()), "all clients are at the new pods")
    await clients.stop()
    assert min(least) == 1
    assert set(clients.ended()) == {1012} and clients.refused() == []
