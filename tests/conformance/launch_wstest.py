"""Starts wstest (Python 2.7), on the loopback only, with fewer messages in the compression cases.

AB_DEFLATE_COUNT=N sends N messages in each case of 12.* and 13.* instead of
1000: the same 216 cases, sizes and offers, 1000/N times quicker.
"""
import os
import sys

sys.argv[0] = "wstest"

from autobahntestsuite import fuzzing
from autobahntestsuite.case import Cases
from autobahntestsuite.wstest import run

listen = fuzzing.listenWS
fuzzing.listenWS = lambda *args, **kwargs: listen(*args, interface="127.0.0.1", **kwargs)

count = os.environ.get("AB_DEFLATE_COUNT")
if count:
    for case in Cases:
        if hasattr(case, "COUNT") and hasattr(case, "AUTOFRAGSIZE"):
            case.COUNT = int(count)

sys.exit(run())
