# SPDX-License-Identifier: GPL-2.0
# shows: take and destroy many times under load: nothing is lost, nothing grows
. "${TESTS}/lib.sh"
load
attach "${DISK}"
busy_device "${DISK}"
for round in $(seq "$(scaled 40)"); do
    take_of "${DISK}"
    destroy
done
[ -z "$(blkctl collect)" ] || fail "snapshots are left"
kill -0 "${CHILDREN[0]}" || fail "the writer ended: a live request failed"
stop_children
detach "${DISK}"
unload
