#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What nbdcopy writes, nbdcopy reads.
. "$(dirname "$0")/common.sh"
need nbdcopy nbdinfo
size=$(nbdinfo --size "$NBD_URI")
dd if=/dev/urandom of="$scratch/a" bs=1M count=32 status=none
truncate -s "$size" "$scratch/a"
nbdcopy "$scratch/a" "$NBD_URI"
nbdcopy "$NBD_URI" "$scratch/b"
cmp "$scratch/a" "$scratch/b" || fail "the copy differs"
