"""As push_ws.mjs, with `websockets`. Usage: push_websockets.py URL COUNT on|off"""

import asyncio
import sys

from websockets.asyncio.client import connect

from lines import say

LENGTHS = [10, 200, 5_000, 10, 70_000, 10]
PUSH = "push:"
totals = {"echoed": 0, "pushed": [], "extensions": []}
opened = 0


def message(number):
    return f"{number}:".ljust(LENGTHS[number % len(LENGTHS)], "é")


async def client(url, count, compression):
    global opened
    sent = echoed = pushed = 0
    ending = False
    async with connect(url, compression=compression, ping_interval=None, proxy=None) as socket:
        opened += 1
        if opened == count:
            say(ready=True)
        while not (ending and echoed == sent):
            if echoed == sent:
                text = message(sent)
                half = len(text) // 2
                await socket.send([text[:half], text[half:]] if len(text) > 1_000 else text)
                sent += 1
            text = await socket.recv()
            if text == f"{PUSH}end":
                ending = True
            elif text.startswith(PUSH):
                assert text == f"{PUSH}{pushed}", f"{text} in place of {pushed}"
                pushed += 1
            else:
                assert text == message(echoed), f"{text[:20]} in place of {echoed}"
                echoed += 1
        totals["extensions"].append(",".join(it.name for it in socket.protocol.extensions))
    totals["echoed"] += echoed
    totals["pushed"].append(pushed)


async def main(url, count, compression):
    compression = {"on": "deflate", "off": None}[compression]
    await asyncio.gather(*(client(url, int(count), compression) for _ in range(int(count))))
    say(totals=totals)


asyncio.run(main(*sys.argv[1:]))
