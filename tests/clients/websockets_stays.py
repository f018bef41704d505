"""Opens a WebSocket with `websockets`, says what comes back of one message, and stays until it is closed.

Usage: websockets_stays.py URL on|off   (permessage-deflate)
"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from lines import say

COMPRESSION = {"on": "deflate", "off": None}


async def main(url, compression):
    options = {
        "compression": COMPRESSION[compression],
        "subprotocols": ["chat.v2"],
        "ping_interval": None,
        "proxy": None,
    }
    async with connect(url, **options) as socket:
        say(opened=True, extensions=",".join(extension.name for extension in socket.protocol.extensions))
        try:
            await socket.send("again and " * 1000)
            async for message in socket:
                say(echoed=len(message))
        except ConnectionClosed:
            pass  # how it closed is said below, whichever way it was
        say(closed=socket.close_code, reason=socket.close_reason)


asyncio.run(main(*sys.argv[1:]))
