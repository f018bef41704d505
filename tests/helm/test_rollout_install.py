"""An installation with the chart's own values, but for times: what runs, as whom, who may ask it, and that `helm test` passes."""

from rehearsal.admin import PORT, metrics
from rehearsal.clients import Endpoints
from rehearsal.probes import ask
from rehearsal.scenario import rehearsal
from rehearsal.values import values


@rehearsal
async def test_pods_become_ready_and_helm_test_passes(cluster):
    await Endpoints(cluster).start(2)
    await cluster.install(values({"test": {"echo": {"url": "ws://chat.example.com/echo"}}}))
    await cluster.rolled_out()
    assert len(cluster.ready()) == 2
    said = await cluster.test()
    assert {name for _, name in said} == {"readyz", "echo"}
    assert not [log for code, log in said.values() if code != 0]


@rehearsal
async def test_metrics_are_for_who_has_the_token_that_was_made(cluster):
    await cluster.install(values({"replicaCount": 1}))
    await cluster.rolled_out()
    pod, = cluster.ready()
    assert (await metrics(cluster, pod))["switchyard_config_last_reload_success"] == 1
    assert (await ask(pod.address, PORT, "/metrics"))[0] == 401
    assert (await ask(pod.address, PORT, "/readyz"))[0] == 200


@rehearsal
async def test_the_gateway_has_no_rights_and_nothing_to_write_to(cluster):
    await cluster.install(values({"replicaCount": 1}))
    await cluster.rolled_out()
    process = cluster.ready()[0].process()
    status = process.status()
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65532"}
    assert {int(status[which], 16) for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"
    assert process.writable() == []


@rehearsal
async def test_an_upgrade_keeps_the_keys_that_were_made(cluster):
    names = ("edge-switchyard-affinity-key", "edge-switchyard-admin-token")
    await cluster.install(values({"replicaCount": 1}))
    before = [cluster.objects.get("Secret", name)["data"] for name in names]
    await cluster.upgrade(values({"replicaCount": 1, "podLabels": {"version": "2"}}))
    assert [cluster.objects.get("Secret", name)["data"] for name in names] == before
