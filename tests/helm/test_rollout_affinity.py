"""Replicas of one release place sessions alike, by the key that the chart made for them."""

from rehearsal.clients import Client, Crowd, Endpoints
from rehearsal.scenario import rehearsal
from rehearsal.values import values

USERS = 30


class Only:
    """A service with one pod."""

    def __init__(self, pod):
        self._address = pod.address

    def pick(self, _):
        return self._address, 8080


@rehearsal
async def test_who_comes_back_to_another_pod_comes_to_the_same_endpoint(cluster):
    await Endpoints(cluster).start(5)
    await cluster.install(values())
    await cluster.rolled_out()
    found = []
    for pod in cluster.ready():
        clients = Crowd([Client(Only(pod), f"/chat?user={user}") for user in range(USERS)])
        await cluster.until(clients.all_open, "all have a session")
        found.append([client.sessions[-1].endpoint for client in clients.clients])
        await clients.stop()
    assert found[0] == found[1]
    assert len(set(found[0])) > 1
