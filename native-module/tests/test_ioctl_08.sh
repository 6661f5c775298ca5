# SPDX-License-Identifier: GPL-2.0
# shows: tens of thousands of random calls of several processes break nothing
. "${TESTS}/lib.sh"
load diff_storage_minimum=65536
fuzz "$(scaled 40000)" 4 "${SEED}" "${STORAGE}" /dev/vda /dev/vdb /dev/vdd || fail "seed ${SEED}"
[ "$(blkctl version)" = 2.0.0.0 ] || fail "the module does not answer any more"
[ -z "$(blkctl collect)" ] || fail "snapshots are left"
attach "${DISK}"
take_of "${DISK}"
destroy
detach "${DISK}"
unload
