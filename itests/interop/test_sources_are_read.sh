#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A block device of somebody else's is listed, read by several clients and on several connections, and not written.
. "$(dirname "$0")/common.sh"
[ -n "${NBD_SOURCE:-}" ] || skip "no source is served here"
need nbdinfo nbdcopy qemu-img qemu-io
uri=nbd+unix:///$NBD_SOURCE?socket=$NBD_SOCKET
nbdinfo --list "nbd+unix:///?socket=$NBD_SOCKET" | grep -q "export=\"$NBD_SOURCE\"" || fail "it is not listed"
nbdinfo --json "$uri" >"$scratch/info"
grep -q '"description": "what is in taken.img"' "$scratch/info" || fail "its description is not told"
grep -q '"is_read_only": true' "$scratch/info" || fail "it is not told to be read-only"
grep -q '"can_multi_conn": true' "$scratch/info" || fail "several connections are not allowed"
nbdinfo --map "$uri" >/dev/null || fail "its allocation is not told"
nbdcopy --connections=4 "$uri" "$scratch/copy.img"
cmp "$scratch/copy.img" "$NBD_TAKEN" || fail "nbdcopy read something else"
qemu-img compare -f raw -F raw "$uri" "$NBD_TAKEN" || fail "qemu-img read something else"
if qemu-io -f raw -c 'write -P 1 0 512' "$uri" >"$scratch/said" 2>&1; then fail "it was written"; fi
cmp "$scratch/copy.img" "$NBD_TAKEN" || fail "the file was changed"
