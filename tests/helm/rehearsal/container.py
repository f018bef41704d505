"""The first process of a container: takes its specification as JSON, makes its root and its mounts, and becomes its command
as its user, without rights. The process that was started waits for it outside, and ends as it ends.

Not here: when it is started, and with what: see `pod`.
"""

import json
import os
import signal
import sys
from pathlib import Path

from rehearsal import linux

DEVICES = ("null", "zero", "full", "random", "urandom")


def main(specification):
    linux.die_with_parent(signal.SIGKILL)
    linux.enter(specification["network"])
    linux.unshare(linux.NEW_MOUNTS | linux.NEW_PROCESSES | linux.NEW_NAMES | linux.NEW_IPC)
    child = os.fork()
    if child == 0:
        become(specification)
    os.write(specification["started"], str(child).encode())
    os.close(specification["started"])
    _, status = os.waitpid(child, 0)
    sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


def become(specification):
    prepare(Path(specification["root"]), specification)
    if specification["security"]["no_capabilities"]:
        linux.drop_capabilities()
    os.chroot(specification["root"])
    os.chdir("/")
    give_up(specification["security"])
    os.closerange(3, 1024)
    os.umask(0o022)
    os.execve(specification["command"][0], specification["command"], specification["environment"])


def prepare(root, specification):
    linux.mount("none", "/", flags=linux.RECURSIVE | linux.PRIVATE)
    linux.mount(root, root, flags=linux.BIND)
    place(root, "/proc", None)
    linux.mount("proc", root / "proc", "proc", linux.NO_SUID | linux.NO_DEVICES | linux.NO_EXEC)
    place(root, "/dev", None)
    linux.mount("dev", root / "dev", "tmpfs", linux.NO_SUID | linux.NO_EXEC, "mode=755,size=64k")
    for device in DEVICES:
        linux.bind(f"/dev/{device}", place(root, f"/dev/{device}", f"/dev/{device}"), read_only=False)
    for mount in specification["mounts"]:
        linux.bind(mount["source"], place(root, mount["path"], mount["source"]), mount["read_only"])
    if specification["security"]["read_only_root"]:
        linux.mount(None, root, flags=linux.BIND | linux.REMOUNT | linux.READ_ONLY | linux.NO_SUID)


def place(root, path, source):
    """Where in the root to mount it. As a container engine does, it makes the folder or file if the image has none."""
    target = root / path.lstrip("/")
    if source is None or Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    return target


def give_up(security):
    os.setgroups(security["groups"])
    os.setresgid(*[security["group"]] * 3)
    os.setresuid(*[security["user"]] * 3)
    linux.die_with_parent(signal.SIGKILL)
    if security["no_new_privileges"]:
        linux.no_new_privileges()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
