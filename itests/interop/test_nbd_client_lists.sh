#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The kernel client's tool lists the exports.
. "$(dirname "$0")/common.sh"
client=$(command -v nbd-client || true)
[ -n "$client" ] || client=/usr/sbin/nbd-client
[ -x "$client" ] || skip "nbd-client is not installed"
"$client" -l -unix "$NBD_SOCKET" >"$scratch/log" 2>&1 || fail "$(cat "$scratch/log")"
grep -q "^$NBD_EXPORT" "$scratch/log" || fail "$(cat "$scratch/log")"
