"""The reference client for the fuzzing server: runs every case, echoing.

usage: client.py SERVER_PORT CONNECT_PORT AGENT

Each case is one connection, on which the server scripts what happens; at the
end the server is asked to write its reports. The Host header names the
server's port, which the suite insists on, whatever port is connected to.
"""
import asyncio
import logging
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

CASE_WITHIN = 180


async def main(server_port, port, agent):
    logging.getLogger("websockets").setLevel(logging.CRITICAL)

    def dial(path):
        return connect(
            f"ws://127.0.0.1:{server_port}{path}",
            host="127.0.0.1",
            port=int(port),
            max_size=None,
            ping_interval=None,
            open_timeout=30,
            proxy=None,
        )

    async def case(number):
        async with dial(f"/runCase?case={number}&agent={agent}") as socket:
            async for message in socket:
                await socket.send(message)

    async with dial("/getCaseCount") as socket:
        count = int(await socket.recv())
    for number in range(1, count + 1):
        try:
            await asyncio.wait_for(case(number), CASE_WITHIN)
        except (WebSocketException, OSError, TimeoutError):
            pass  # how it ended is the server's to judge
    async with dial(f"/updateReports?agent={agent}") as socket:
        async for _ in socket:
            pass


asyncio.run(main(*sys.argv[1:]))
