"""The API server, as far as two ask it: Helm, which looks objects up while it renders, and the gateway, which lists and watches
EndpointSlices with the token of its pod. Whoever has no Role for it gets 403.

Not here: what is kept: see `objects`. Nothing is written through it: `cluster` applies what was rendered.
"""

import asyncio
import re
import ssl

import discovery

from rehearsal.certificates import Authority
from rehearsal.http import Connection

PORT = 6443
OPERATOR = "token-of-the-operator"
SLICES = re.compile(r"/apis/discovery\.k8s\.io/v1/namespaces/([^/]+)/endpointslices")


class Api:
    def __init__(self, objects, address, folder):
        self.address, self._objects, self._authority = address, objects, Authority(folder, "kubernetes-ca")
        self._version, self._slices, self._watches = 1, {}, set()
        self.asked = []  # (status, path), for messages of tests

    async def start(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._authority.issue("kubernetes", f"IP:{self.address}"))
        self._server = await asyncio.start_server(self._serve, self.address, PORT, ssl=context)

    @property
    def authority(self):
        """Whom its clients trust, as PEM."""
        return self._authority.pem

    def stop(self):
        self._server.close()

    def endpoints(self, service, addresses, port):
        """Whom the service of an application leads to from now on."""
        self._version += 1
        name = f"{service}-1"
        kind = "MODIFIED" if name in self._slices else "ADDED"
        ready = {"ready": True, "serving": True, "terminating": False}
        self._slices[name] = {
            "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
            "metadata": {
                "name": name, "namespace": self._objects.namespace, "resourceVersion": str(self._version),
                "labels": {"kubernetes.io/service-name": service},
            },
            "endpoints": [{"addresses": [address], "conditions": ready} for address in addresses],
            "ports": [{"name": "", "port": port, "protocol": "TCP"}],
        }
        for queue in self._watches:
            queue.put_nowait({"type": kind, "object": self._slices[name]})

    def end_watches(self):
        """As an API server does after some minutes: whoever watches has to ask again, and may be refused."""
        for queue in self._watches:
            queue.put_nowait(None)

    async def _serve(self, reader, writer):
        connection = Connection(reader, writer)
        try:
            while True:
                await self._answer(connection, await connection.request())
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass  # its client is gone, or the rehearsal is over
        finally:
            connection.close()

    async def _answer(self, connection, request):
        if found := SLICES.fullmatch(request.path):
            await self._of_slices(connection, request, found[1])
        elif request.token != OPERATOR:
            await self._refuse(connection, request, 403, "Forbidden")
        elif found := discovery.answer(request.path, self._objects):
            await connection.answer(200, found)
        else:
            await self._refuse(connection, request, 404, "NotFound")

    async def _refuse(self, connection, request, status, reason):
        self.asked.append((status, request.path))
        failure = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": status, "message": reason}
        await connection.answer(status, failure)

    async def _of_slices(self, connection, request, namespace):
        is_watch = request.query.get("watch") == "true"
        if not self._objects.may(request.token, "watch" if is_watch else "list", namespace):
            await self._refuse(connection, request, 403, "Forbidden")
            return
        self.asked.append((200, request.path))
        service = request.query["labelSelector"].removeprefix("kubernetes.io/service-name=")
        if is_watch:
            await self._watch(connection, service, int(request.query["resourceVersion"]))
            return
        items = [found for found in self._slices.values() if is_of(found, service, namespace)]
        metadata = {"resourceVersion": str(self._version)}
        kind = {"kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1"}
        await connection.answer(200, kind | {"metadata": metadata, "items": items})

    async def _watch(self, connection, service, version):
        queue = asyncio.Queue()
        for found in self._slices.values():
            if int(found["metadata"]["resourceVersion"]) > version:
                queue.put_nowait({"type": "MODIFIED", "object": found})
        self._watches.add(queue)
        try:
            await connection.begin_stream()
            while event := await queue.get():
                if is_of(event["object"], service, self._objects.namespace):
                    await connection.piece(event)
            await connection.end_stream()
        finally:
            self._watches.discard(queue)


def is_of(found, service, namespace):
    metadata = found["metadata"]
    return metadata["namespace"] == namespace and metadata["labels"]["kubernetes.io/service-name"] == service
