"""Processes that are measured: their children, CPU time, memory, sockets and end.

Everything comes from /proc. Not here: what is run, and what the numbers mean.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

TICK = 1 / os.sysconf("SC_CLK_TCK")
ESTABLISHED, LISTENING = "01", "0A"


@dataclass(frozen=True)
class Cpu:
    """CPU seconds of a process tree so far."""

    user: float
    system: float
    exact: dict[tuple[int, int], int]
    """Nanoseconds of each (process, thread) that is alive."""

    def since(self, before: "Cpu") -> dict[str, float]:
        """What was used between two readings. The kernel's own nanosecond sum is taken where no
        thread has ended meanwhile, else the sum of ticks."""
        user, system = self.user - before.user, self.system - before.system
        total = user + system
        if before.exact and before.exact.keys() <= self.exact.keys():
            total = (sum(self.exact.values()) - sum(before.exact.values())) / 1e9
        return {"cpu_s": total, "user_s": user, "system_s": system}

    def threads(self, before: "Cpu") -> list[float]:
        """Seconds of each thread that was there all the time, the busiest first."""
        spent = [(used - before.exact[thread]) / 1e9
                 for thread, used in self.exact.items() if thread in before.exact]
        return sorted(spent, reverse=True)


class Tree:
    """A process that was started here, and its descendants."""

    def __init__(self, argv: list[str], log: Path, env: dict[str, str] | None = None,
                 stdin=subprocess.DEVNULL, stdout=None):
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                argv, env={**os.environ, **(env or {})}, stdin=stdin,
                stdout=stdout if stdout is not None else output, stderr=output,
                start_new_session=True)

    def pids(self) -> list[int]:
        """The process and all its descendants; none once it was found dead, for then the number
        may be another's."""
        if self.process.returncode is not None:
            return []
        children: dict[int, list[int]] = {}
        for pid in _numbers(Path("/proc")):
            fields = _stat(Path(f"/proc/{pid}/stat"))
            if fields:
                children.setdefault(int(fields[1]), []).append(pid)
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children.get(pid, [])
        return found

    def cpu(self) -> Cpu:
        """CPU of the whole tree: of those alive, and of those whose end was waited for."""
        user = system = 0
        exact: dict[tuple[int, int], int] = {}
        for pid in self.pids():
            fields = _stat(Path(f"/proc/{pid}/stat"))
            if not fields:
                continue
            user += int(fields[11]) + int(fields[13])
            system += int(fields[12]) + int(fields[14])
            for thread in _numbers(Path(f"/proc/{pid}/task")):
                text = _read(Path(f"/proc/{pid}/task/{thread}/schedstat"))
                if text:
                    exact[pid, thread] = int(text.split()[0])
        return Cpu(user * TICK, system * TICK, exact)

    def memory(self) -> int:
        """Bytes of memory of its own: the proportional set size of the whole tree."""
        total = 0
        for pid in self.pids():
            for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def sockets(self) -> set[str]:
        """The inodes of all sockets that the tree holds."""
        inodes = set()
        for pid in self.pids():
            folder = Path(f"/proc/{pid}/fd")
            for fd in _numbers(folder):
                try:
                    target = os.readlink(folder / str(fd))
                except OSError:
                    continue
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
        return inodes

    def listens_on(self, port: int) -> bool:
        """Whether a socket of this tree is the one that listens on the port."""
        held = self.sockets()
        return any(local == port and inode in held
                   for local, _, state, inode in _tcp() if state == LISTENING)

    def connections_to(self, port: int) -> int:
        """How many connections to this port the tree holds."""
        held = self.sockets()
        return sum(remote == port and inode in held
                   for _, remote, state, inode in _tcp() if state == ESTABLISHED)

    def connections_on(self, port: int) -> int:
        """How many connections that came in on this port the tree holds."""
        held = self.sockets()
        return sum(local == port and inode in held
                   for local, _, state, inode in _tcp() if state == ESTABLISHED)

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def end(self) -> None:
        """Ends the tree: politely, then not."""
        pids = self.pids()
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(4)
            except subprocess.TimeoutExpired:
                pass
        for pid in pids:
            if pid != self.process.pid or self.is_alive():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.process.wait()

    def tail(self) -> str:
        """The end of what it wrote, for an error."""
        return " / ".join(_read(self.log).split("\n")[-4:])[-400:]


def busy(core: int) -> tuple[float, float]:
    """Seconds that a core was busy with anything so far, and seconds stolen by the host."""
    for line in _read(Path("/proc/stat")).splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq) * TICK, steal * TICK
    return 0.0, 0.0


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on, no two the same."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def wait_until_serving(tree: Tree, port: int, trusted: str | None, path: str = "/echo", patience: float = 30) -> None:
    """Returns when the tree listens on the port and answers a handshake with 101, over TLS
    with a trusted certificate if one is given. Some listen before they have read their routes."""
    _wait_until(tree, port, patience, lambda: tree.listens_on(port) and _upgrades(port, trusted, path))


def wait_until_listening(tree: Tree, port: int, patience: float = 30) -> None:
    """Returns when the tree listens on the port."""
    _wait_until(tree, port, patience, lambda: tree.listens_on(port))


def _wait_until(tree: Tree, port: int, patience: float, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        if not tree.is_alive():
            raise RuntimeError(f"ended at once: {tree.tail()}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"does not serve on {port}: {tree.tail()}")
        time.sleep(0.05)


def _upgrades(port: int, trusted: str | None, path: str) -> bool:
    request = (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
               "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               "Sec-WebSocket-Version: 13\r\n\r\n")
    try:
        with _connection(port, trusted) as client:
            client.sendall(request.encode())
            return client.recv(64).startswith(b"HTTP/1.1 101")
    except OSError:
        return False


def _connection(port: int, trusted: str | None) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=5)
    if trusted is None:
        return plain
    return ssl.create_default_context(cafile=trusted).wrap_socket(plain, server_hostname="127.0.0.1")


def _tcp():
    for line in _read(Path("/proc/net/tcp")).splitlines()[1:]:
        fields = line.split()
        yield (int(fields[1].split(":")[1], 16), int(fields[2].split(":")[1], 16),
               fields[3], fields[9])


def _stat(path: Path) -> list[str]:
    """The fields of a stat file after the name, which may contain anything: state first."""
    return _read(path).rpartition(") ")[2].split()


def _numbers(folder: Path) -> list[int]:
    try:
        return [int(name) for name in os.listdir(folder) if name.isdigit()]
    except OSError:
        return []


def _read(path: Path) -> str:
    """The text of a file; empty when it is gone."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
