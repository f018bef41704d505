"""Changes of the configuration reach running pods by their ConfigMap: no new pods, no lost sessions. What cannot be used changes
nothing, and no pod that serves goes for it.
"""

from websockets.asyncio.client import connect

from rehearsal.admin import metrics
from rehearsal.clients import Endpoints, crowd
from rehearsal.scenario import rehearsal
from rehearsal.values import SHORT, values

CLIENTS = 20
SUCCESS = "switchyard_config_last_reload_success"
WHEN = "switchyard_config_last_reload_timestamp_seconds"
ALL, = SHORT["config"]["routes"]


async def started(cluster):
    await Endpoints(cluster).start(2)
    await cluster.install(values())
    await cluster.rolled_out()
    return await crowd(cluster, CLIENTS)


async def of_each(cluster, name):
    return [(await metrics(cluster, pod))[name] for pod in cluster.ready()]


@rehearsal
async def test_a_new_route_is_there_without_a_new_pod(cluster):
    clients = await started(cluster)
    before, pods = await of_each(cluster, WHEN), cluster.ready()
    other = await Endpoints(cluster, "other").start(1)
    route = {"name": "other", "match": {"path_prefix": "/other"}, "cluster": "other"}
    there = {"name": "other", "endpoints": [{"address": f"{other.addresses[0]}:8080"}]}
    app = {"name": "app", "kubernetes": {"service": "app", "port": 8080}}
    await cluster.upgrade(values({"config": {"routes": [route, ALL], "clusters": [there, app]}}))

    async def is_reloaded():
        now = await of_each(cluster, WHEN)
        return all(one > other for one, other in zip(now, before, strict=True))

    await cluster.until(is_reloaded, "both pods have read it again")
    for pod in pods:
        async with connect(f"ws://{pod.address}:8080/other", proxy=None) as socket:
            await socket.send("1")
            assert await socket.recv() == "other-0:1"
    await clients.stop()
    assert clients.ended() == {} and clients.refused() == []
    assert cluster.ready() == pods and [len(pod.history) for pod in pods] == [2, 2], "check and run, once each"


@rehearsal
async def test_a_bad_configuration_stops_the_rollout_and_nothing_else(cluster):
    clients = await started(cluster)
    before = cluster.ready()
    lost = {"name": "all", "cluster": "nowhere"}
    await cluster.upgrade(values({"config": {"routes": [lost]}}))

    async def is_refused():
        return await of_each(cluster, SUCCESS) == [0, 0]

    await cluster.until(is_refused, "both pods have refused it")
    await cluster.upgrade(values({"podLabels": {"version": "2"}, "config": {"routes": [lost]}}))
    await cluster.until(lambda: failed(cluster), "the new pod has failed")
    new, = failed(cluster)
    assert "there is no cluster named `nowhere`" in new.log("check")
    assert cluster.ready() == before and clients.all_open() and clients.ended() == {}

    await cluster.upgrade(values({"podLabels": {"version": "3"}}))
    await cluster.rolled_out()
    await cluster.until(lambda: clients.all_at(cluster.ready()), "all clients are at the pods with the good one")
    await clients.stop()
    assert set(clients.ended()) == {1012} and clients.refused() == []


def failed(cluster):
    """Pods whose init container ended with an error."""
    return [pod for pod in cluster.pods if (check := pod.process("check")) and check.exit_code]


@rehearsal
async def test_times_of_leaving_change_with_new_pods_only(cluster):
    await Endpoints(cluster).start(2)
    await cluster.install(values({"replicaCount": 1}))
    await cluster.rolled_out()
    before, = cluster.ready()
    await cluster.upgrade(values({"replicaCount": 1, "drain": {"over": "4s"}}))
    assert "over: 2s" in before.read("config/switchyard.yaml")
    await cluster.rolled_out()
    after, = cluster.ready()
    assert "over: 4s" in after.read("config/switchyard.yaml")
    assert after.grace == before.grace + 2


@rehearsal
async def test_a_first_cluster_of_kubernetes_is_none_for_pods_without_a_token(cluster):
    app = await Endpoints(cluster).start(2)
    there = {"name": "there", "endpoints": [{"address": f"{address}:8080"} for address in app.addresses]}
    before = {"clusters": [there], "routes": [ALL | {"cluster": "there"}]}
    await cluster.install(values({"config": before}))
    await cluster.rolled_out()
    clients, old = await crowd(cluster, CLIENTS), cluster.ready()
    await cluster.upgrade(values({}))
    assert ["cluster: there" in pod.read("config/switchyard.yaml") for pod in old] == [True, True]
    await cluster.rolled_out()
    await cluster.until(lambda: clients.all_at(cluster.ready()), "all clients are at the pods with a token")
    await clients.stop()
    assert set(clients.ended()) == {1012} and clients.refused() == []


@rehearsal
async def test_two_upgrades_in_a_row_leave_each_pod_its_configuration(cluster):
    await Endpoints(cluster).start(2)
    await cluster.install(values({"drain": {"over": "60s"}}))
    await cluster.rolled_out()
    clients, old = await crowd(cluster, CLIENTS), cluster.ready()
    for over in ("2s", "3s"):
        await cluster.upgrade(values({"drain": {"over": over}}))
        await cluster.rolled_out()
    assert not any(pod.is_gone for pod in old), "they are asking their sessions yet"
    for pod in cluster.pods:
        mounted = next(volume["configMap"]["name"] for volume in pod.spec["volumes"] if volume["name"] == "config")
        assert pod.is_gone or cluster.objects.get("ConfigMap", mounted), f"{mounted} is gone before its pod {pod.name}"
    await cluster.until(clients.ended, "a session was asked")
    await clients.stop()
    assert set(clients.ended()) == {1012} and clients.refused() == []
