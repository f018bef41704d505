"""The few calls of Linux that Python has no words for: namespaces, mounts, and giving up rights."""

import ctypes
import os

NEW_MOUNTS, NEW_NAMES, NEW_IPC, NEW_PROCESSES, NEW_NETWORK = 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18

_DIE_WITH_PARENT, _DROP_BOUND, _NO_NEW_PRIVILEGES = 1, 24, 38
_libc = ctypes.CDLL(None, use_errno=True)


def _done(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(what):
    """This thread, and what it starts, gets a namespace of its own."""
    _done(_libc.unshare(what), "unshare")


def enter(descriptor, what=NEW_NETWORK):
    """This thread goes into the namespace behind a descriptor."""
    _done(_libc.setns(descriptor, what), "setns")


def network():
    """A descriptor of the network that this thread is in."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def mount(source, target, kind=None, flags=0, data=None):
    encoded = [None if part is None else str(part).encode() for part in (source, target, kind)]
    _done(_libc.mount(*encoded, flags, None if data is None else data.encode()), f"mount {source} on {target}")


def bind(source, target, read_only):
    mount(source, target, flags=BIND | RECURSIVE)
    if read_only:
        mount(None, target, flags=BIND | REMOUNT | READ_ONLY | NO_SUID)


def die_with_parent(signal):
    _done(_libc.prctl(_DIE_WITH_PARENT, signal, 0, 0, 0), "prctl")


def no_new_privileges():
    _done(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")


def drop_capabilities():
    """What is executed next can have none; this process has its own until it becomes another user."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as last:
        for capability in range(int(last.read()) + 1):
            _done(_libc.prctl(_DROP_BOUND, capability, 0, 0, 0), "prctl")
