#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# qemu-img converts the export to a file and finds both identical.
. "$(dirname "$0")/common.sh"
need qemu-img
qemu-img convert -O qcow2 "$NBD_URI" "$scratch/copy.qcow2"
qemu-img compare "$NBD_URI" "$scratch/copy.qcow2" || fail "the copy differs"
