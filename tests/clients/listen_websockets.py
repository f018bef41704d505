"""Listens through `websockets`, as listen_ws.mjs does through `ws`.

Usage: listen_websockets.py URL CODE [SUBPROTOCOL]...
"""

import asyncio
import sys

from websockets.asyncio.client import connect

from lines import say


async def main(url, code, *subprotocols):
    options = {"subprotocols": subprotocols or None, "ping_interval": None, "proxy": None}
    async with connect(url, **options) as socket:
        await socket.send(["one ", "message ", "in ", "pieces"])
        await (await socket.ping("are you there"))
        await socket.close(int(code), "done")
        say(
            code=socket.close_code,
            extensions=",".join(extension.name for extension in socket.protocol.extensions),
            subprotocol=socket.subprotocol or "",
        )


asyncio.run(main(*sys.argv[1:]))
