"""WebSocket clients and the endpoints that they talk to, by `websockets`.

A client sends numbered messages one at a time, and wants each back before the next. When it is closed it connects again at once, to
any pod that its service leads to, and sends anew what was not answered, as libraries for clients do.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidHandshake, InvalidMessage

PACE = 0.2


@dataclass
class Session:
    pod: str
    endpoint: str | None = None
    echoed: int = 0
    code: int | None = None
    ended: float = 0.0  # when


class Client:
    def __init__(self, service, path, port="web", scheme="ws", **options):
        self.service, self._port, self._url, self._options = service, port, f"{scheme}://chat.example.com{path}", options
        self.sessions, self.refused, self.echoed = [], [], 0
        self._stopped = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    @property
    def is_open(self):
        return bool(self.sessions) and self.sessions[-1].code is None and self.sessions[-1].echoed > 0

    async def stop(self):
        self._stopped.set()
        await self.task

    async def _run(self):
        while not self._stopped.is_set():
            try:
                host, port = self.service.pick(self._port)
                opening = connect(self._url, host=host, port=port, proxy=None, **self._options)
                async with opening as socket:
                    await self._talk(socket, host)
            except (OSError, IndexError, InvalidHandshake, InvalidMessage, TimeoutError) as failure:
                self.refused.append(repr(failure))
                await asyncio.sleep(PACE)

    async def _talk(self, socket, pod):
        session = Session(pod)
        self.sessions.append(session)
        with contextlib.suppress(ConnectionClosed):
            while not self._stopped.is_set():
                number = self.echoed
                await socket.send(str(number))
                session.endpoint, _, echo = (await socket.recv()).partition(":")
                assert echo == str(number), f"{echo} came back instead of {number}"
                self.echoed += 1
                session.echoed += 1
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PACE):
                        await self._stopped.wait()
        await socket.close()
        session.code, session.ended = socket.close_code, time.monotonic()


class Crowd:
    """Many clients, and what became of all of them."""

    def __init__(self, clients):
        self.clients = clients

    async def stop(self):
        await asyncio.gather(*(client.stop() for client in self.clients))

    def all_open(self):
        return all(client.is_open for client in self.clients)

    def ended(self):
        """How many sessions ended with which code, by none of the clients' own doing."""
        codes = [session.code for client in self.clients for session in client.sessions[:-1]]
        return {code: codes.count(code) for code in set(codes)}

    def moments(self, pod):
        """When the sessions of a pod ended, in order."""
        return sorted(session.ended for client in self.clients for session in client.sessions[:-1] if session.pod == pod)

    def refused(self):
        return [failure for client in self.clients for failure in client.refused]

    def all_at(self, pods):
        """Whether all have a session, and it is with one of these."""
        addresses = {pod.address for pod in pods}
        return self.all_open() and {client.sessions[-1].pod for client in self.clients} <= addresses


async def crowd(cluster, count, path="/chat", **options):
    """Clients that all have a session, each a user of its own."""
    service = cluster.services["edge-switchyard"]
    await cluster.until(lambda: service.addresses("web"), "the service has endpoints")
    found = Crowd([Client(service, f"{path}?user={number}", **options) for number in range(count)])
    await cluster.until(found.all_open, "all clients have a session")
    return found


class Endpoints:
    """Application servers: each answers with its name and what it was sent; on `/echo` without its name."""

    def __init__(self, cluster, service="app", port=8080):
        self._cluster, self._service, self._port = cluster, service, port
        self.addresses, self._servers = [], []

    async def start(self, count):
        for number in range(count):
            address = self._cluster.application_address()
            self._servers.append(await serve(echo(f"{self._service}-{number}"), address, self._port))
            self.addresses.append(address)
        self._cluster.api.endpoints(self._service, self.addresses, self._port)
        return self


@contextlib.asynccontextmanager
async def silent(address, port):
    """A session whose client reads nothing, and so answers no Close."""
    reader, writer = await asyncio.open_connection(address, port)
    lines = ["GET /chat HTTP/1.1", "Host: chat.example.com", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
    writer.write("\r\n".join(lines).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    yield
    writer.close()


def echo(name):
    async def handle(socket):
        before = "" if socket.request.path == "/echo" else f"{name}:"
        with contextlib.suppress(ConnectionClosedError):
            async for message in socket:
                await socket.send(f"{before}{message}")
    return handle
