# SPDX-License-Identifier: Apache-2.0
# Sourced by every test: where the server is, and how to say what went wrong.
#
# NBD_SOCKET  unix socket of the server
# NBD_EXPORT  name of a writable export of at least 64 MiB, whose content may be destroyed
# NBD_SOURCE  name of a source's export, whose content lies in the file NBD_TAKEN; not set where none is
# NBD_URI     URI of that export; made from the two where it is not set
# Exit status of a test: 0 passed, 1 failed, 77 skipped.
set -euo pipefail
: "${NBD_SOCKET:?set NBD_SOCKET to the unix socket of the server}"
: "${NBD_EXPORT:?set NBD_EXPORT to the name of a writable export}"
NBD_URI=${NBD_URI:-nbd+unix:///$NBD_EXPORT?socket=$NBD_SOCKET}
QEMU_OPTIONS="driver=nbd,export=$NBD_EXPORT,server.type=unix,server.path=$NBD_SOCKET"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() { echo "FAIL: $*" >&2; exit 1; }
skip() { echo "SKIP: $*" >&2; exit 77; }
need() { for tool; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done; }
# The Python that carries the libnbd module.
nbd_python() {
  for python in /usr/bin/python3 python3; do
    if "$python" -c 'import nbd' 2>/dev/null; then "$python" "$@"; return; fi
  done
  skip "the Python module nbd (python3-libnbd) is not installed"
}
