#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Four connections at once, each verifying its own part.
. "$(dirname "$0")/common.sh"
need fio
fio --name=multi --ioengine=nbd --uri="$NBD_URI" --rw=randwrite --bs=4k --size=8m \
  --offset_increment=8m --numjobs=4 --iodepth=8 --verify=crc32c --verify_fatal=1 \
  --output="$scratch/log" || fail "$(cat "$scratch/log")"
