"""Sessions of `websockets` under constant traffic, until SIGTERM: each sends numbered messages and checks that every
echo is the next one. Who is closed connects again, unless SIGUSR2 says not to; then it ends with the last of them. The
last line says what became of them all.

Usage: rolling_websockets.py URL COUNT
"""

import asyncio
import signal
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from lines import say

LENGTHS = [10, 200, 5_000, 10, 70_000, 10]
totals = {"opened": 0, "echoed": 0, "unanswered": 0, "closed": {}}
stopping = asyncio.Event()
leaving = asyncio.Event()


def message(number):
    return f"{number}:".ljust(LENGTHS[number % len(LENGTHS)], "x")


async def talk(socket):
    """One message at a time, in pieces now and then."""
    number = 0
    while not stopping.is_set():
        text = message(number)
        third = len(text) // 3
        pieces = [text[:third], text[third : 2 * third], text[2 * third :]]
        totals["unanswered"] += 1
        await socket.send(pieces if len(text) > 1_000 else text)
        reply = await socket.recv()
        assert reply == text, f"{reply[:20]} in place of {number}"
        totals["unanswered"] -= 1
        totals["echoed"] += 1
        number += 1


async def client(url, count):
    while not (stopping.is_set() or leaving.is_set()):
        async with connect(url, compression=None, ping_interval=None, proxy=None, open_timeout=20) as socket:
            totals["opened"] += 1
            if totals["opened"] == count:
                say(ready=True)
            try:
                await talk(socket)
            except ConnectionClosed:
                pass
        code = str(socket.close_code)
        totals["closed"][code] = totals["closed"].get(code, 0) + 1


def leave():
    leaving.set()
    say(leaving=True)


async def main(url, count):
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, leave)
    await asyncio.gather(*(client(url, int(count)) for _ in range(int(count))))
    say(totals=totals)


asyncio.run(main(*sys.argv[1:]))
