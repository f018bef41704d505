#!/usr/bin/env bash
# run.sh - the Autobahn Testsuite through the gateway, against the same without it.
#
#   run.sh sample|fast|all [both|client|endpoint] [--direct]
#
#   sample    about 155 cases over all sections, under a minute
#   fast      247 cases: all but the sizes (9.*) and compression (12.*, 13.*)
#   all       517 cases
#   client    the suite's fuzzing client -> gateway -> a reference endpoint
#   endpoint  a reference client -> gateway -> the suite's fuzzing server
#   --direct  without a gateway: only whether the suite itself runs here
#
# Prints a table a role and every case whose verdict differs; exits non-zero if
# one does. Makes what it needs first (setup.sh).
#
# env: SWITCHYARD_BIN    the gateway (default target/debug/switchyard)
#      SWITCHYARD_TOOLS  the cache of tools (default ~/.cache/switchyard-tools)
#      WSTEST            a wstest to use instead of the cache's
#      CONFORMANCE_OUT   an empty folder for the reports (default: a temporary one, kept on differences)
#      AB_DEFLATE_COUNT  messages in each compression case (default 20 in sample, else 100;
#                        the suite's own number is 1000)
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
case ${1:-} in
  sample | fast | all) ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
esac
tools=$("$here/setup.sh")
exec python3 "$here/conformance.py" "$tools" "$@"
