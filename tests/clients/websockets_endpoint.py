"""An echo endpoint on `websockets`. Usage: websockets_endpoint.py on|off   (permessage-deflate)"""

import asyncio
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from lines import say

COMPRESSION = {"on": "deflate", "off": None}


async def echo(socket):
    say(opened=True, extensions=extensions(socket), subprotocol=socket.subprotocol or "")
    try:
        async for message in socket:
            await socket.send(message)
    except ConnectionClosed:
        pass  # how it closed is said below, whichever way it was
    say(closed=socket.close_code, reason=socket.close_reason)


def extensions(socket):
    return ",".join(extension.name for extension in socket.protocol.extensions)


def last_offered(_connection, subprotocols):
    return subprotocols[-1] if subprotocols else None


async def main(compression):
    options = {
        "compression": COMPRESSION[compression],
        "max_size": 64 * 1024 * 1024,
        "select_subprotocol": last_offered,
        "ping_interval": None,
    }
    async with serve(echo, "127.0.0.1", 0, **options) as server:
        say(listening=server.sockets[0].getsockname()[1])
        await server.serve_forever()


asyncio.run(main(sys.argv[1]))
