# SPDX-License-Identifier: GPL-2.0
# shows: partitions and their disk are devices of their own, and the disk's filter sees the partitions' writes
. "${TESTS}/lib.sh"
load
addpart /dev/vdd 1 2048 100000 && addpart /dev/vdd 2 102048 100003 || fail addpart
await 5 "partitions" [ -b /dev/vdd2 ]
attach /dev/vdd1 /dev/vdd2 /dev/vdd
[ "$(field capacity "$(blkctl cbtinfo /dev/vdd2)")" = $((100003 * 512)) ] || fail "$(blkctl cbtinfo /dev/vdd2)"
sectors fill /dev/vdd1 0 100000 1
sectors fill /dev/vdd2 0 100003 1
# The partition alone.
take_of /dev/vdd2
sectors fill /dev/vdd2 0 1000 2
sectors fill /dev/vdd2 100002 1 2
sectors fill /dev/vdd1 0 1000 2
sectors check "$(image /dev/vdd2)" 0 100003 1 || fail "image of the partition"
destroy
# The whole disk, written through the partitions.
sectors fill /dev/vdd1 0 1000 1
sectors fill /dev/vdd2 0 1000 1
sectors fill /dev/vdd2 100002 1 1
dd if=/dev/vdd of="${PLACE}/before" bs=1M iflag=direct conv=sparse status=none
take_of /dev/vdd
sectors fill /dev/vdd1 500 5000 3
sectors fill /dev/vdd2 99000 1003 3
cmp "$(image /dev/vdd)" "${PLACE}/before" || fail "image of the disk"
destroy
take_of /dev/vdd
number=$(field changes "$(blkctl cbtinfo /dev/vdd)")
byte=$(blkctl cbtmap /dev/vdd $(((2048 + 500) / 128)) 1 | od -An -tu1 | tr -d ' ')
[ "${byte}" = $((number)) ] || fail "the disk's map has ${byte} for a block of partition 1, number ${number}"
destroy
# Both at once, in one snapshot.
take_of /dev/vdd /dev/vdd1
sectors fill /dev/vdd1 40000 5000 4
sectors check "$(image /dev/vdd1)" 40000 5000 1 || fail "image of the partition beside its disk's"
sectors check "$(image /dev/vdd1)" 1000 4000 3 || fail "image of the partition beside its disk's"
destroy
detach /dev/vdd1 /dev/vdd2 /dev/vdd
delpart /dev/vdd 1 && delpart /dev/vdd 2 || fail delpart
unload
