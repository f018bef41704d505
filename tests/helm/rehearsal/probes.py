"""Probes by HTTP, as the kubelet asks them: after a delay, in a period, and believed after so many answers alike.

Not here: what becomes of a verdict: see `pod`.
"""

import asyncio

LEAST_SUCCESS = 200
LEAST_FAILURE = 400


async def ask(address, port, path, headers=(), body=b"", method="GET", timeout=5.0):
    """Status and body of one request of HTTP/1.1."""
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection(address, port)
        try:
            lines = [f"{method} {path} HTTP/1.1", f"Host: {address}:{port}", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in headers] + [f"Content-Length: {len(body)}", "", ""]
            writer.write("\r\n".join(lines).encode() + body)
            head, _, content = (await reader.read()).partition(b"\r\n\r\n")
            return int(head.split()[1]), content.decode()
        finally:
            writer.close()


class Probe:
    def __init__(self, manifest, address, ports):
        request = manifest["httpGet"]
        self._request = (address, ports.get(request["port"], request["port"]), request.get("path", "/"))
        self._headers = [(header["name"], header["value"]) for header in request.get("httpHeaders", [])]
        self._delay = manifest.get("initialDelaySeconds", 0)
        self._period = manifest.get("periodSeconds", 10)
        self._timeout = manifest.get("timeoutSeconds", 1)
        self._enough = {True: manifest.get("successThreshold", 1), False: manifest.get("failureThreshold", 3)}
        self.grace = manifest.get("terminationGracePeriodSeconds")

    async def verdicts(self):
        """Each verdict when it is believed: true, or false."""
        await asyncio.sleep(self._delay)
        said, times = None, 0
        while True:
            good = await self._is_good()
            times = times + 1 if good == said else 1
            said = good
            if times == self._enough[good]:
                yield good
            await asyncio.sleep(self._period)

    async def _is_good(self):
        try:
            status, _ = await ask(*self._request, headers=self._headers, timeout=self._timeout)
        except (OSError, TimeoutError, ValueError, IndexError):
            return False
        return LEAST_SUCCESS <= status < LEAST_FAILURE
