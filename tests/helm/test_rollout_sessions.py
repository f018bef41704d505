"""Sessions that are open while pods are replaced and taken away: nobody is cut, nobody is turned away, nothing is lost."""

import re
import time

import yaml
from lookups import notes

from rehearsal.clients import Endpoints, crowd, silent
from rehearsal.scenario import rehearsal
from rehearsal.values import values

CLIENTS = 200
OVER = 2.0  # seconds in which a pod asks its sessions, as `values` has it


def left(cluster):
    return [pod for pod in cluster.pods if pod.is_gone]


@rehearsal
async def test_a_rolling_update_asks_every_session_and_loses_nothing(cluster):
    await Endpoints(cluster).start(3)
    await cluster.install(values())
    await cluster.rolled_out()
    clients = await crowd(cluster, CLIENTS)
    before = cluster.ready()
    least = cluster.watch(lambda: len(cluster.ready()))
    most = cluster.watch(lambda: len(cluster.deployment.pods()))
    waits, starts = promised(cluster)

    began = time.monotonic()
    await cluster.upgrade(values({"podLabels": {"version": "2"}}))
    await cluster.rolled_out()
    took = time.monotonic() - began
    await cluster.until(lambda: set(left(cluster)) == set(before), "the pods of before have left")
    await cluster.until(lambda: clients.all_at(cluster.ready()), "all clients are at the new pods")
    await clients.stop()

    assert took >= waits, "each start comes on top of it"
    assert min(least) == 2 and max(most) == 3, "one at a time"
    assert len(cluster.pods) == len(before) + starts
    assert clients.refused() == []
    assert set(clients.ended()) == {1012} and sum(clients.ended().values()) >= CLIENTS
    left_in_time(before)


def left_in_time(pods):
    """Each ended by itself when its last session had gone: neither the deadline of its drain nor the kubelet cut anybody."""
    for pod in pods:
        assert (pod.process().exit_code, pod.process().was_killed) == (0, False), pod.log()


def promised(cluster):
    """What the notes say of a rollout of all pods: seconds, and the time of so many starts."""
    said = re.search(r"all 2 pods takes (\d+) s and the time of (\d+) starts", notes(cluster.folder, values()))
    return [int(number) for number in said.groups()]


@rehearsal
async def test_switching_autoscaling_on_takes_no_pod_away(cluster):
    await Endpoints(cluster).start(2)
    await cluster.install(values())
    cluster.scale(4)
    await cluster.rolled_out()
    clients, before = await crowd(cluster, 20), cluster.ready()
    await cluster.upgrade(values({"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 10}}))
    await cluster.rolled_out()
    await clients.stop()
    assert cluster.ready() == before and len(before) == 4
    assert clients.ended() == {} and clients.refused() == []


@rehearsal
async def test_neither_upgrade_nor_rollback_takes_a_pod_from_an_autoscaler(cluster):
    """Each replaces pods one by one; to go back to the number of another time would have them leave all at once."""
    scaled = {"autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 10}}
    await Endpoints(cluster).start(2)
    await cluster.install(values(scaled))
    cluster.scale(4)
    await cluster.rolled_out()
    clients = await crowd(cluster, 20)
    least = cluster.watch(lambda: len(cluster.ready()))
    await cluster.upgrade(values(scaled, {"podLabels": {"version": "2"}}))
    await cluster.rolled_out()
    await cluster.rollback()
    await cluster.rolled_out()
    assert min(least) == len(cluster.ready()) == 4
    await clients.stop()
    assert clients.refused() == []


@rehearsal
async def test_a_scale_down_asks_the_leaving_pods_sessions_at_the_pace_of_over(cluster):
    await Endpoints(cluster).start(2)
    await cluster.install(values({"replicaCount": 4}))
    await cluster.rolled_out()
    clients = await crowd(cluster, 120)
    cluster.scale(1)
    await cluster.until(lambda: len(left(cluster)) == 3, "three pods have left")
    await cluster.until(lambda: clients.all_at(cluster.ready()), "all clients are at the one that stays")
    await clients.stop()

    assert clients.refused() == []
    assert set(clients.ended()) == {1012}
    left_in_time(left(cluster))
    for pod in left(cluster):
        moments = clients.moments(pod.address)
        assert moments[-1] - moments[0] > OVER / 4, "they were not asked all at once"


@rehearsal
async def test_who_never_answers_is_cut_by_the_gateway_and_not_by_the_kubelet(cluster):
    await Endpoints(cluster).start(1)
    route = {"name": "all", "cluster": "app", "websocket": {"close_timeout": "60s"}}
    drain = {"over": "1s", "ready_delay": "1s", "deadline": "2s", "margin": "5s"}
    await cluster.install(values({"replicaCount": 1, "config": {"routes": [route]}, "drain": drain}))
    await cluster.rolled_out()
    pod, = cluster.ready()
    async with silent(pod.address, 8080):
        cluster.scale(0)
        await cluster.until(lambda: pod.is_gone, "the pod has left")
    assert (pod.process().exit_code, pod.process().was_killed) == (3, False)


@rehearsal
async def test_the_grace_of_the_charts_own_values_is_longer_than_leaving_takes(cluster):
    await cluster.install({"replicaCount": 1})
    await cluster.until(cluster.ready, "it is ready")
    pod, = cluster.ready()
    drain = yaml.safe_load(pod.read("config/switchyard.yaml"))["drain"]
    wait = pod.spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert drain == {"over": "60s", "ready_delay": "5s", "deadline": "90s"}
    assert pod.grace >= wait + 5 + 90 + 5, "five seconds are for the process to end in"
