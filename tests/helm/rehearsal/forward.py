"""The cluster's address of a service: a proxy that carries each connection to one of its pods."""

import asyncio
import contextlib

PIECE = 1 << 16


async def listen(service, address):
    """A server for each of the service's ports."""
    return [
        await asyncio.start_server(carrier(service, port["port"]), address, port["port"])
        for port in service.spec["ports"]
    ]


def carrier(service, port):
    async def carry(reader, writer):
        with contextlib.suppress(OSError, IndexError, asyncio.CancelledError):
            there, here = await asyncio.open_connection(*service.pick(port))
            await asyncio.gather(carry_bytes(reader, here), carry_bytes(there, writer))
        writer.close()
    return carry


async def carry_bytes(reader, writer):
    try:
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
