#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# qemu-img writes a sparse file onto the export, zeroes and all.
. "$(dirname "$0")/common.sh"
need qemu-img nbdinfo
truncate -s "$(nbdinfo --size "$NBD_URI")" "$scratch/a"
dd if=/dev/urandom of="$scratch/a" bs=1M count=3 seek=7 conv=notrunc status=none
qemu-img convert -n -f raw -O raw "$scratch/a" "$NBD_URI"
qemu-img compare -f raw -F raw "$scratch/a" "$NBD_URI" || fail "the export differs"
