"""As much HTTP/1.1 as the API server needs, over TLS."""

import json
from urllib.parse import parse_qs, urlsplit


class Request:
    def __init__(self, head):
        first, *lines = head.decode().rstrip().split("\r\n")
        self.method, target, _ = first.split()
        parts = urlsplit(target)
        self.path, self.query = parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()}
        headers = (line.split(":", 1) for line in lines)
        self.headers = {name.lower(): value.strip() for name, value in headers}

    @property
    def token(self):
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Connection:
    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    async def request(self):
        return Request(await self._reader.readuntil(b"\r\n\r\n"))

    async def answer(self, status, body):
        text = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        self._writer.write(head.encode() + text)
        await self._writer.drain()

    async def begin_stream(self):
        self._writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        await self._writer.drain()

    async def piece(self, body):
        text = json.dumps(body).encode() + b"\n"
        self._writer.write(b"%x\r\n%s\r\n" % (len(text), text))
        await self._writer.drain()

    async def end_stream(self):
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def close(self):
        self._writer.close()
