"""Runs the Autobahn Testsuite directly and through the gateway, and compares.

Called by run.sh, which documents it. Two roles of the suite:

  client    the suite's fuzzing client -> gateway -> the reference endpoint
  endpoint  the reference client -> gateway -> the suite's fuzzing server

A run is cut into shards, because wstest writes its report only when it ends.
Each shard has processes of its own on free loopback ports, and the direct run
and the one through the gateway take turns, so that they see the same machine.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import compare

HERE = pathlib.Path(__file__).resolve().parent
CORE = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
COMPRESSION = [[f"12.{n}.*"] for n in range(1, 6)] + [[f"13.{n}.*"] for n in range(1, 8)]

# The shards of each set, the messages in each compression case, and how many shards run at a time:
# the short cases mostly wait, the long ones compute.
SETS = {
    # A few of everything: every kind of frame, size class and compression offer.
    "sample": (
        [
            ["1.*", "2.*", "3.*", "4.*", "5.*", "10.*"],
            ["6.1.*", "6.2.*", "6.3.*", "6.4.1", "6.4.3", "6.5.*", "6.12.*", "6.20.*", "7.*"],
            ["9.1.1", "9.1.3", "9.2.2", "9.3.7", "9.4.6", "9.5.3", "9.6.4", "9.7.1", "9.8.3"]
            + ["12.1.1", "12.1.6", "12.2.3", "12.3.10", "12.4.2", "12.5.1"]
            + ["13.1.1", "13.2.2", "13.3.3", "13.4.1", "13.5.2", "13.6.5", "13.7.10"],
        ],
        20,
        6,
    ),
    # Everything but the sizes and the compression: 247 cases.
    "fast": ([CORE], 100, 2),
    # Everything: 517 cases.
    "all": ([CORE, ["9.*"]] + COMPRESSION, 100, 2),
}

START_WITHIN = 30
SHARD_WITHIN = 3600

GATEWAY = """\
listeners: [{{ name: web, address: "127.0.0.1:0" }}]
routes:
  - name: all
    match: {{ path_prefix: / }}
    cluster: peer
    websocket: {{ max_message: off, max_frame: off }}
clusters: [{{ name: peer, endpoints: [{{ address: "127.0.0.1:{port}" }}] }}]
drain: {{ ready_delay: 0s, over: 0s, deadline: 1s }}
log: {{ format: json, access: off }}
"""


class Tools:
    """Where the suite, the reference peers and the gateway are."""

    def __init__(self, folder):
        self.python = folder / "venv/bin/python"
        self.wstest = os.environ.get("WSTEST", str(folder / "wstest")).split()
        self.gateway = pathlib.Path(os.environ.get("SWITCHYARD_BIN", HERE.parents[1] / "target/debug/switchyard"))


@contextlib.contextmanager
def child(command, stdout=subprocess.DEVNULL, **options):
    """A process that ends with the block: asked, asked again, then killed."""
    process = subprocess.Popen([str(part) for part in command], stdout=stdout, **options)
    try:
        yield process
    finally:
        for sign in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(sign)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=3)
        if process.stdout:
            process.stdout.close()


@contextlib.contextmanager
def reserved_port():
    """A port that nobody is given by chance while the block runs, for a server that takes a number.

    The socket never listens, and shares its address: the server can listen on it.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def wait_for_port(port):
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1))


@contextlib.contextmanager
def reference_endpoint(tools):
    with child([tools.python, HERE / "echo.py"], stdout=subprocess.PIPE, env=reference_env()) as process:
        yield int(process.stdout.readline())


def reference_env():
    # 9.3.1 sends 65536 fragments, more than the reference allows by itself.
    return dict(os.environ, WEBSOCKETS_MAX_FRAGMENTS="1000000")


@contextlib.contextmanager
def gateway(tools, folder, port):
    """A gateway in front of `port`; gives its own port, from its log line."""
    config = folder / "gateway.yaml"
    config.write_text(GATEWAY.format(port=port))
    with child([tools.gateway, "run", "--config", config], stdout=subprocess.PIPE) as process:
        found = next((line for line in map(read_log, process.stdout) if line.get("message") == "listening"), None)
        if found is None:
            raise RuntimeError("the gateway ended before it listened")
        # Its later lines must not fill the pipe.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield int(found["address"].rsplit(":", 1)[1])


def read_log(line):
    try:
        return json.loads(line)
    except ValueError:
        return {}


def run_wstest(tools, folder, mode, spec, count):
    """The command and options that start wstest on a spec."""
    write_json(folder / "spec.json", spec)
    return dict(
        command=[*tools.wstest, "-m", mode, "-u", "0", "-s", folder / "spec.json"],
        stdout=open(folder / "wstest.log", "wb"),
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=dict(os.environ, AB_DEFLATE_COUNT=str(count)),
    )


def client_role(tools, folder, agent, cases, count):
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(reference_endpoint(tools))
        if agent == "gateway":
            port = stack.enter_context(gateway(tools, folder, port))
        spec = {
            "outdir": str(folder),
            "servers": [{"agent": agent, "url": f"ws://127.0.0.1:{port}/"}],
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        process = stack.enter_context(child(**run_wstest(tools, folder, "fuzzingclient", spec, count)))
        process.wait(timeout=SHARD_WITHIN)


def endpoint_role(tools, folder, agent, cases, count):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(reserved_port())
        spec = {
            "outdir": str(folder),
            "url": f"ws://127.0.0.1:{server}",
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        stack.enter_context(child(**run_wstest(tools, folder, "fuzzingserver", spec, count)))
        wait_for_port(server)
        port = stack.enter_context(gateway(tools, folder, server)) if agent == "gateway" else server
        command = [tools.python, HERE / "client.py", server, port, agent]
        process = stack.enter_context(child(command, env=reference_env()))
        process.wait(timeout=SHARD_WITHIN)


ROLES = {"client": client_role, "endpoint": endpoint_role}


def merge(folders, into):
    """One index.json of all shards."""
    agents = {}
    for folder in folders:
        for agent, cases in json.loads((folder / "index.json").read_text()).items():
            agents.setdefault(agent, {}).update(cases)
    write_json(into / "index.json", agents)
    return compare.load(into)


def run_role(tools, out, role, name, agents):
    """All shards of one role; gives each agent's cases."""
    shards, count, jobs_at_a_time = SETS[name]
    count = int(os.environ.get("AB_DEFLATE_COUNT", count))
    folders = {agent: [out / role / agent / f"shard-{n}" for n in range(len(shards))] for agent in agents}
    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs_at_a_time) as pool:
        jobs = []
        for n, cases in enumerate(shards):
            for agent in agents:
                folders[agent][n].mkdir(parents=True)
                jobs.append(pool.submit(ROLES[role], tools, folders[agent][n], agent, cases, count))
        for job in jobs:
            job.result()
    return {agent: merge(folders[agent], out / role / agent) for agent in agents}


def main():
    arguments = argparse.ArgumentParser(add_help=False)
    arguments.add_argument("tools", type=pathlib.Path)
    arguments.add_argument("set", choices=SETS)
    arguments.add_argument("what", nargs="?", choices=["both", *ROLES], default="both")
    arguments.add_argument("--direct", action="store_true")
    options = arguments.parse_args()
    tools = Tools(options.tools)
    agents = ["direct"] if options.direct else ["direct", "gateway"]
    if "gateway" in agents and not tools.gateway.exists():
        sys.exit(f"conformance: no gateway at {tools.gateway}; build it or set SWITCHYARD_BIN")
    out = pathlib.Path(os.environ.get("CONFORMANCE_OUT") or tempfile.mkdtemp(prefix="conformance-"))
    same = True
    for role in ROLES if options.what == "both" else [options.what]:
        began = time.monotonic()
        cases = run_role(tools, out, role, options.set, agents)
        print(f"\n### {options.set}, the suite as the {role}, {time.monotonic() - began:.0f} s\n")
        same &= compare.report(cases["direct"], cases.get("gateway"))
    if same and "CONFORMANCE_OUT" not in os.environ:
        shutil.rmtree(out)
    else:
        print(f"\nreports: {out}")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
