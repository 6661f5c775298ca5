#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nbdinfo finds the export with every flag a read-write export advertises.
. "$(dirname "$0")/common.sh"
need nbdinfo
nbdinfo "$NBD_URI" >"$scratch/info"
for flag in can_cache can_df can_fast_zero can_flush can_fua can_multi_conn can_trim can_zero; do
  grep -q "$flag: true" "$scratch/info" || fail "$flag is not offered"
done
grep -q 'base:allocation' "$scratch/info" || fail "base:allocation is not offered"
