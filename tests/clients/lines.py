"""The line protocol of every helper: one JSON value a line on stdout.

A server's first line is {"listening": PORT}; a client's last line is its result.
"""

import json
import sys


def say(**fields):
    print(json.dumps(fields), file=sys.stdout, flush=True)
