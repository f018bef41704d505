"""The gateways that are measured, and which they are. Not here: how one is started (`running`).

A peer's configuration is a file in `peers/`, which also says why it is as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable

from driver.leaving import AT_ONCE, Leaving, by, by_admin, cut
from driver.pushing import Helper, Pushing, query

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
TOOLS = Path(os.environ.get("SWITCHYARD_TOOLS", Path.home() / ".cache/switchyard-tools"))
SWLOAD = HERE / "target/release/swload"
REFERENCE, REFERENCE_TLS = "fwd-rw", "fwd-tls"
REFERENCES = (REFERENCE, REFERENCE_TLS)
US = "switchyard"


@dataclass(frozen=True)
class Peer:
    """A gateway: where its program is, and what to say to it. In `argv`, `env` and the configuration
    files, @listen@, @tls@, @h2@, @h2_tls@, @endpoint@, @behind@, @helper@ and @admin@ (each also with _host or _port)
    stand for addresses of one run, @run@ for its folder, @workers@ for a number, @certificate@, @key@ and
    @pair@ (both) for files, @over@ and @cut@ for seconds (`leaving`), and the names in `more` for what they are there."""

    name: str
    find: Callable[[], Path | None]
    argv: list[str]
    version: list[str] = field(default_factory=list)
    configs: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    scraped: bool = False
    scales: bool = False
    """Whether it is measured with more than one worker too."""
    listens: frozenset[str] = frozenset({"listen"})
    """Where it listens: @listen@ and @tls@ for HTTP/1.1, @h2@ and @h2_tls@ for WebSockets over HTTP/2."""
    more: dict[str, str] = field(default_factory=dict)
    behind: str = ""
    """If any, the configuration of one more process of the same program, which plays the endpoint at @behind@."""
    beside: frozenset[str] = frozenset()
    """The groups of scenarios that it takes part in, if it is there to be compared with in these only."""
    over_http1: bool = False
    """Whether its clients speak HTTP/1.1 also where those of the others do not."""
    leaving: Leaving | None = None
    """How it is asked to go, if it is."""
    over: int = AT_ONCE
    """And over how many seconds it then goes."""
    package: str = ""
    """Whose version it has, where the program is another's."""
    pushes: Pushing | None = None
    """How messages are published to its sessions, if they can be."""
    helper: Helper | None = None
    """What it needs beside it for that."""
    is_pushing: bool = False
    """Whether it is started for that."""

    @property
    def is_ours(self) -> bool:
        """Whether it is Switchyard, in whatever variant."""
        return is_ours(self.name)

    def leaving_over(self, seconds: int) -> "Peer":
        """The same, to be asked to go."""
        return replace(self, argv=[*self.argv, *self.leaving.argv], over=seconds)

    def pushing(self) -> "Peer":
        """The same, to publish to its sessions."""
        return replace(self, argv=self.pushes.argv or self.argv, configs=self.pushes.configs or self.configs,
                       listens=frozenset({"listen"}), is_pushing=True)

    @property
    def times(self) -> dict[str, str]:
        """What stands for seconds."""
        return {"over": str(self.over), "cut": str(cut(self.over))}

    def describe(self) -> str:
        """The version that the program says it is."""
        program = self.find()
        if program is None or not (self.version or self.package):
            return ""
        asked = ["dpkg-query", "-W", "-f", "${Version}", self.package] if self.package else [program, *self.version]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        said = (done.stdout + done.stderr).replace(str(program), "")
        found = re.search(r"\d+\.\d+(\.\d+)*", said)
        return found.group() if found else ""


def _switchyard() -> Path | None:
    named = os.environ.get("SWITCHYARD_BIN")
    path = Path(named) if named else ROOT / "target/release/switchyard"
    return path if path.exists() else None


def _system(name: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        return Path(found) if found else None
    return find


def _wheel(*places: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        found = [path for place in places for path in TOOLS.glob(f"peers/{place}")]
        return found[0] if found else None
    return find


def _built(place: str) -> Callable[[], Path | None]:
    return _file(str(TOOLS / place))


def _both(first: Callable[[], Path | None], second: Callable[[], Path | None]) -> Callable[[], Path | None]:
    """The first, if the second is there too."""
    return lambda: first() if second() else None


def _file(path: str) -> Callable[[], Path | None]:
    return lambda: Path(path) if Path(path).exists() else None


def _swload() -> Path | None:
    return SWLOAD if SWLOAD.exists() else None


ONE_CORE = {"GOMAXPROCS": "1"}
CONNECT_IN_GO = {"GODEBUG": "http2xconnect=1"}
# Nothing of theirs outside the folder of the run.
CADDY_HOME = {"XDG_DATA_HOME": "@run@", "XDG_CONFIG_HOME": "@run@"}

BOTH = frozenset({"listen", "tls"})
ALL = BOTH | {"h2", "h2_tls"}

SWITCHYARD = Peer(US, _switchyard, ["run", "--config", "@run@/switchyard.yaml"],
                  ["--version"], ["switchyard.yaml"], scraped=True, scales=True, listens=ALL,
                  more={"listener_yaml": "", "tls_yaml": "", "cluster_yaml": "", "bus_yaml": "memory"},
                  leaving=Leaving("SIGTERM, `drain.over`", by(signal.SIGTERM)),
                  pushes=Pushing(body='{"channel":"{n}","text":"{text}"}', many=query("/many", "channel"),
                                 argv=["run", "--config", "@run@/switchyard-push.yaml"], configs=["switchyard-push.yaml"]))
TO_HTTP2 = {
    "more": SWITCHYARD.more | {
        "cluster_yaml": "protocol: http2\n    http2: { max_connections: 200, max_concurrent_streams: 100 }"},
    "behind": "switchyard-behind.yaml",
}


def _beside(name: str, **changes) -> Peer:
    """Switchyard once more, for the scenarios of HTTP/2 only. Its name has the versions of HTTP that are
    spoken with clients and with endpoints."""
    return replace(SWITCHYARD, name=f"{US}-{name}", scales=False, beside=frozenset({"http2"}), **changes)


REDIS = Helper("redis", _system("redis-server"),
               ["--bind", "127.0.0.1", "--port", "@helper_port@", "--save", "", "--appendonly", "no", "--dir", "@run@"])
GRIP = Helper("grip", lambda: Path(sys.executable), [str(HERE / "peers/grip.py"), "@helper_port@"])
# Its packages have it loaded by the system's configuration, which none of those here reads.
NCHAN = "/usr/lib/nginx/modules/ngx_nchan_module.so"
FANOUT = frozenset({"fanout"})

PEERS = [
    Peer(REFERENCE, _swload, ["forward", "--listen", "@listen@", "--to", "@endpoint@"], over_http1=True),
    Peer(REFERENCE_TLS, _swload, ["forward", "--listen", "@tls@", "--to", "@endpoint@",
                                  "--certificate", "@certificate@", "--key", "@key@"],
         listens=frozenset({"tls"}), over_http1=True),
    SWITCHYARD,
    _beside("1-1", over_http1=True),
    _beside("1-2", over_http1=True, **TO_HTTP2),
    _beside("2-2", **TO_HTTP2),
    Peer("nginx", _system("nginx"), ["-p", "@run@", "-c", "@run@/nginx.conf"], ["-v"], ["nginx.conf"], listens=BOTH,
         leaving=Leaving("SIGHUP, `worker_shutdown_timeout`", by(signal.SIGHUP))),
    Peer("nginx-64k", _system("nginx"), ["-p", "@run@", "-c", "@run@/nginx-64k.conf"],
         ["-v"], ["nginx-64k.conf"], listens=BOTH),
    Peer("haproxy", _system("haproxy"), ["-db", "-q", "-f", "@run@/haproxy.cfg"], ["-v"], ["haproxy.cfg"],
         listens=ALL,
         leaving=Leaving("SIGUSR2 to the master, `hard-stop-after` and `close-spread-time`", by(signal.SIGUSR2), ["-W"])),
    Peer("haproxy-splice", _system("haproxy"), ["-db", "-q", "-f", "@run@/haproxy-splice.cfg"], ["-v"], ["haproxy-splice.cfg"],
         listens=BOTH),
    Peer("envoy", _wheel("lib/python3*/site-packages/envoy/_bin/envoy"),
         ["-c", "@run@/envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "-l", "error", "--drain-time-s", "@over@"],
         ["--version"], ["envoy.yaml"], listens=ALL,
         leaving=Leaving("`/drain_listeners?graceful` with `--drain-time-s`, then SIGTERM", by_admin("/drain_listeners?graceful"))),
    Peer("traefik", _wheel("bin/traefik"), ["--configFile=@run@/traefik.yaml"],
         ["version"], ["traefik.yaml", "traefik-routes.yaml"], ONE_CORE, listens=BOTH,
         leaving=Leaving("SIGTERM, `graceTimeOut`", by(signal.SIGTERM))),
    Peer("caddy", _wheel("bin/caddy"), ["run", "--adapter", "caddyfile", "--config", "@run@/Caddyfile"],
         ["version"], ["Caddyfile"], ONE_CORE | CADDY_HOME | CONNECT_IN_GO, listens=ALL,
         leaving=Leaving("SIGUSR1, `stream_close_delay`", by(signal.SIGUSR1))),
    Peer("pingora", _built("pingora/swpingora"),
         ["--listen", "@listen@", "--tls", "@tls@", "--certificate", "@certificate@", "--key", "@key@", "--to", "@endpoint@",
          "--threads", "@workers@", "--grace", "@over@"],
         ["--version"], listens=BOTH,
         leaving=Leaving("SIGTERM, `grace_period_seconds`", by(signal.SIGTERM))),
    replace(SWITCHYARD, name=f"{US}-redis", find=_both(_switchyard, REDIS.find), scales=False, beside=FANOUT, helper=REDIS,
            more=SWITCHYARD.more | {"bus_yaml": '{ redis: { url: "redis://@helper@" } }'}),
    Peer("nchan", _both(_system("nginx"), _file(NCHAN)), ["-p", "@run@", "-c", "@run@/nchan.conf"],
         configs=["nchan.conf"], package="libnginx-mod-nchan", beside=FANOUT, more={"module": NCHAN},
         pushes=Pushing(publish="POST /pub/{n}", content_type="text/plain")),
    Peer("pushpin", _system("pushpin"), ["--config", "@run@/pushpin.conf"], ["--version"], ["pushpin.conf", "pushpin-routes"],
         beside=FANOUT, helper=GRIP,
         pushes=Pushing(publish="POST /publish/",
                        body='{"items":[{"channel":"{n}","formats":{"ws-message":{"content":"{text}"}}}]}')),
]


def is_ours(name: str) -> bool:
    """Whether this is Switchyard, in whatever variant."""
    return name == US or name.startswith(f"{US}-")


def variants(listener: dict[str, str], tls: dict[str, str]) -> list[Peer]:
    """Switchyard with more in its listeners, or in `tls` of these; the keys are names of variants. They are
    measured where Switchyard itself is."""
    return [replace(SWITCHYARD, name=f"{US}-{name}", scales=False, more=SWITCHYARD.more | {
        "listener_yaml": listener.get(name, ""), "tls_yaml": tls.get(name, "")}) for name in listener | tls]
