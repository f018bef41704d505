"""Sends messages of many sizes through `websockets` and checks each echo.

Usage: websockets_client.py URL on|off [FILE]   (permessage-deflate; who is trusted)
"""

import asyncio
import random
import ssl
import sys

from websockets.asyncio.client import connect

from lines import say

COMPRESSION = {"on": "deflate", "off": None}
SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20, 1 << 24]


async def echoes(socket):
    noise = random.Random(2463534242)
    for size in SIZES:
        await echo(socket, "é" * (size // 2))
        await echo(socket, noise.randbytes(size))
    return len(SIZES) * 2


async def echo(socket, message):
    await socket.send(message)
    reply = await socket.recv()
    assert reply == message, f"the echo of {len(message)} differs"


async def fragments(socket):
    await socket.send(["one ", "message ", "in ", "pieces"])
    assert await socket.recv() == "one message in pieces"


async def main(url, compression, trusted=None):
    options = {
        "compression": COMPRESSION[compression],
        "max_size": 64 * 1024 * 1024,
        "subprotocols": ["chat.v1", "chat.v2"],
        "ping_interval": None,
        "proxy": None,
    }
    if trusted is not None:
        options["ssl"] = ssl.create_default_context(cafile=trusted)
    async with connect(url, **options) as socket:
        echoed = await echoes(socket)
        await fragments(socket)
        await (await socket.ping("are you there"))
        await socket.close(4001, "done")
        say(
            echoed=echoed,
            code=socket.close_code,
            extensions=",".join(extension.name for extension in socket.protocol.extensions),
            subprotocol=socket.subprotocol or "",
        )


asyncio.run(main(*sys.argv[1:]))
