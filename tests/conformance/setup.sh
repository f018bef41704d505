#!/usr/bin/env bash
# setup.sh - make what the conformance run needs, once, under a cache folder.
#
#   wstest    the Autobahn Testsuite 25.10.1; it needs Python 2.7, which this
#             unpacks (never installs) from Debian 11's archive. Not made when
#             WSTEST names a wstest that you already have.
#   venv      Python 3 with `websockets`, the reference endpoint and client
#
# Prints the folder. Needs bash, python3 with venv, a C compiler and, for the
# Python 2.7, Debian's apt. Nothing outside the folder is changed.
#
# env: SWITCHYARD_TOOLS  the cache (default ~/.cache/switchyard-tools)
#      WSTEST            a wstest command to use instead of making one
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
tools=${SWITCHYARD_TOOLS:-$HOME/.cache/switchyard-tools}/autobahn
websockets_pin=17.4

say() { echo "setup: $*" >&2; }

# An apt state of its own, pointed at Debian 11 on the mirror that this machine
# already uses; signatures are checked with Debian's own keyring.
fetch_python27() {
  local root=$tools/py27 apt=$tools/apt mirror
  mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
    head -1 | tr -d ' ')
  mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,debs} "$root"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} bullseye main" \
    > "$apt/sources.list"
  : > "$apt/state/status"
  local options=(-qq -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State="$apt/state" -o Dir::State::status="$apt/state/status" -o Dir::Cache="$apt/cache"
    -o APT::Sandbox::User=root -o Acquire::Languages=none)
  apt-get "${options[@]}" update
  (cd "$apt/debs" && apt-get "${options[@]}" download python2.7 python2.7-minimal libpython2.7-minimal \
    libpython2.7-stdlib libssl1.1 libffi7 libpython2.7-dev)
  for package in "$apt"/debs/*.deb; do dpkg -x "$package" "$root"; done
  rm -rf "$apt"
  cat > "$tools/python2.7" <<X
#!/bin/bash
export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
exec $root/usr/bin/python2.7 "\$@"
X
  chmod +x "$tools/python2.7"
}

# The suite and the pins of its own requirements, in dependency order, as a
# plain folder: a 2.7 virtualenv would need an installed interpreter.
install_suite() {
  local target=$tools/suite wheels=$tools/wheels
  rm -rf "$target" && mkdir -p "$target" "$wheels"
  python3 -m pip download -q --no-deps -d "$wheels" pip==20.3.4 setuptools==44.0.0 wheel==0.36.2
  local include=$tools/py27/usr/include
  pip27() {
    CPATH=$include:$include/python2.7 PYTHONPATH=$target PIP_NO_PYTHON_VERSION_WARNING=1 \
      PIP_DISABLE_PIP_VERSION_CHECK=1 "$tools/python2.7" "$wheels/pip-20.3.4-py2.py3-none-any.whl/pip" \
      install -q --target "$target" --no-deps "$@"
  }
  pip27 "$wheels"/setuptools-44.0.0*.whl "$wheels"/wheel-0.36.2*.whl
  pip27 --no-build-isolation six==1.16.0 incremental==16.10.1 zope.interface==4.6.0 enum34==1.1.10 \
    ipaddress==1.0.23 pycparser==2.21 cffi==1.15.1 cryptography==3.3.2 pyOpenSSL==19.1.0 pyasn1==0.4.8 \
    pyasn1-modules==0.2.8 attrs==21.4.0 idna==2.10 typing==3.10.0.0 constantly==15.1.0 hyperlink==21.0.0 \
    Automat==20.2.0 PyHamcrest==1.10.1 service_identity==18.1.0 markupsafe==1.1.1 jinja2==2.11.3 \
    Werkzeug==1.0.1 txaio==2.1.0 argparse traceback2==1.4.0 linecache2==1.0.0 unittest2==1.1.0
  pip27 --no-build-isolation Twisted==19.10.0
  pip27 --no-build-isolation klein==17.10.0 autobahn==0.10.9
  pip27 --no-build-isolation autobahntestsuite==25.10.1
  touch "$target/zope/__init__.py" # PYTHONPATH folders do not read namespace .pth files
  # C speed-ups for masking and UTF-8: they only shorten the 9.* cases.
  pip27 --no-build-isolation ujson==1.35 || say "ujson not built (optional)"
  pip27 --no-build-isolation wsaccel==0.6.3 || say "wsaccel not built (optional)"
}

make_wstest() {
  [ -n "${WSTEST:-}" ] && return
  mkdir -p "$tools"
  if [ ! -e "$tools/.python27" ]; then
    say "unpacking Python 2.7 (Debian 11)"
    fetch_python27 >&2 && touch "$tools/.python27"
  fi
  if [ ! -e "$tools/.suite" ]; then
    say "installing the Autobahn Testsuite"
    install_suite >&2 && touch "$tools/.suite"
  fi
  cp "$here/launch_wstest.py" "$tools/launch_wstest.py"
  cat > "$tools/wstest" <<X
#!/bin/bash
PYTHONPATH=$tools/suite exec $tools/python2.7 -W ignore -u $tools/launch_wstest.py "\$@"
X
  chmod +x "$tools/wstest"
}

make_venv() {
  local stamp=$tools/.venv-$websockets_pin
  [ -e "$stamp" ] && return
  say "making the reference endpoint's virtualenv"
  rm -rf "$tools/venv"
  python3 -m venv "$tools/venv" >&2
  "$tools/venv/bin/pip" install -q "websockets==$websockets_pin" >&2
  touch "$stamp"
}

make_wstest
make_venv
echo "$tools"
