#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The allocation map covers the export without gaps.
. "$(dirname "$0")/common.sh"
need nbdinfo
size=$(nbdinfo --size "$NBD_URI")
end=$(nbdinfo --map "$NBD_URI" | awk '$1 != at { exit 1 } { at = $1 + $2 } END { print at }')
[ "$end" = "$size" ] || fail "map ends at $end, export at $size"
