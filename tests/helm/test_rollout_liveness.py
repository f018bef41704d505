"""A gateway that does not answer any more is started anew, and its pod serves again."""

import signal

from rehearsal.scenario import rehearsal
from rehearsal.values import values

LIVENESS = {"periodSeconds": 1, "failureThreshold": 2, "timeoutSeconds": 1, "terminationGracePeriodSeconds": 1}


@rehearsal
async def test_a_stopped_gateway_is_started_anew(cluster):
    """However long it would have had to drain: one that hangs drains nobody."""
    await cluster.install(values({"replicaCount": 1, "drain": {"over": "2h"}, "probes": {"liveness": LIVENESS}}))
    await cluster.rolled_out()
    pod, = cluster.ready()
    stopped = pod.process()
    stopped.signal(signal.SIGSTOP)
    await cluster.until(lambda: not pod.is_ready, "it is not ready any more")
    await cluster.until(lambda: pod.process() is not stopped, "it is started anew")
    await cluster.until(lambda: pod.is_ready, "it is ready again")
    assert stopped.was_killed
