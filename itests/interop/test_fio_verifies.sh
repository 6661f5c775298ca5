#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fio writes at random, 16 in flight, and verifies everything.
. "$(dirname "$0")/common.sh"
need fio
fio --name=verify --ioengine=nbd --uri="$NBD_URI" --rw=randwrite --bs=4k-256k --size=32m \
  --iodepth=16 --verify=crc32c --verify_fatal=1 --fsync=64 --output="$scratch/log" ||
  fail "$(cat "$scratch/log")"
