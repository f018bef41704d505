"""Runs a command with listening sockets passed to it, as a service manager does.

usage: activate.py DESCRIPTOR:NAME... -- COMMAND ARGUMENT...
"""

import os
import sys

split = sys.argv.index("--")
passed = [argument.split(":", 1) for argument in sys.argv[1:split]]
# Out of the way first, so that no one overwrites another.
descriptors = [os.dup(int(descriptor)) for descriptor, _ in passed]
high = [os.dup2(descriptor, 100 + place) for place, descriptor in enumerate(descriptors)]
for place, descriptor in enumerate(high):
    os.dup2(descriptor, 3 + place, inheritable=True)
os.closerange(3 + len(passed), 256)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(passed))
os.environ["LISTEN_FDNAMES"] = ":".join(name for _, name in passed)
os.execvp(sys.argv[split + 1], sys.argv[split + 1 :])
