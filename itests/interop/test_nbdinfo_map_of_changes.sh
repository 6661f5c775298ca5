#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The bitmap of the last change covers the export, as nbdinfo and as qemu-img see it.
. "$(dirname "$0")/common.sh"
need nbdinfo qemu-img
nbdinfo "$NBD_URI" | grep -q 'qemu:dirty-bitmap:blksnap' || skip "no take yet, so no changes"
nbdinfo --map=qemu:dirty-bitmap:blksnap "$NBD_URI" >"$scratch/map"
dirty=$(awk '$3 == 1 { n += $2 } END { print n + 0 }' "$scratch/map")
qemu-img map --output=json \
  --image-opts "$QEMU_OPTIONS,x-dirty-bitmap=qemu:dirty-bitmap:blksnap" >"$scratch/qemu"
seen=$(nbd_python -c 'import json, sys
print(sum(e["length"] for e in json.load(open(sys.argv[1])) if not e["data"]))' "$scratch/qemu")
[ "$dirty" = "$seen" ] || fail "nbdinfo sees $dirty changed bytes, qemu-img $seen"
