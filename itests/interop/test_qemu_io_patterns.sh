#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# qemu-io writes, zeroes, discards, flushes and reads its patterns back, also unaligned.
. "$(dirname "$0")/common.sh"
need qemu-io
qemu-io -f raw -c 'write -P 0x5a 512 1M' -c 'read -P 0x5a 512 1M' -c 'write -z 4k 64k' \
  -c 'read -P 0 4k 64k' -c 'write -f -P 7 1000 3000' -c 'read -P 7 1000 3000' -c 'flush' \
  -c 'write -z -u 1M 1M' -c 'read -P 0 1M 1M' -c 'discard 2M 1M' "$NBD_URI" >"$scratch/log" ||
  fail "$(cat "$scratch/log")"
! grep -qi 'fail\|error' "$scratch/log" || fail "$(cat "$scratch/log")"
