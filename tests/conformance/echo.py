"""The reference endpoint: echoes every message as it came. Prints its port.

It says nothing of its own: no pings, no limits, so that what differs between a
direct run and one through the gateway is the gateway's doing.
"""
import asyncio
import logging

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def echo(socket):
    try:
        async for message in socket:
            await socket.send(message)
    except ConnectionClosed:
        pass


async def main():
    # Broken handshakes and frames are the point of the suite: not worth a log line.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    async with serve(echo, "127.0.0.1", 0, max_size=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
