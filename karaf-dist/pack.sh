#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# pack.sh DIRECTORY ARCHIVE TIME: packs the directory as blksnap/, readable and writable by its owner alone
# wherever it is unpacked, in the order of names and with one time stamp.
set -eu

tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime="$3" --mode='u+rwX,go=' \
    --transform='s,^\.,blksnap,' --use-compress-program='gzip -n' -cf "$2.part" .
mv "$2.part" "$2"
