#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# qemu-img sees a raw disk of the export's size.
. "$(dirname "$0")/common.sh"
need qemu-img nbdinfo
qemu-img info "$NBD_URI" | grep -q "($(nbdinfo --size "$NBD_URI") bytes)" || fail "wrong size"
