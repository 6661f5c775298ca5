#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares blksnap with qemu-storage-daemon and nbdkit on this machine and prints goals P1 to P5 and P8, a line each.
# Exit status: 0 every goal met, 1 one missed, 2 something needed is not there.
#
#   itests/bench/compare-qsd.sh [--quick] [--dist DIR] [--runs N] [--seconds S] [--help]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
missing=
for tool in python3 fio qemu-storage-daemon nbdkit taskset; do
  command -v "$tool" > /dev/null 2>&1 || missing="$missing $tool"
done
if [ -n "$missing" ]; then
  echo "compare-qsd.sh needs:$missing" >&2
  echo "On Debian: apt-get install python3 fio qemu-system-common qemu-utils nbdkit util-linux" >&2
  exit 2
fi
exec env PYTHONDONTWRITEBYTECODE=1 python3 "$here/compare" "$@"
