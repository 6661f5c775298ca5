# SPDX-License-Identifier: GPL-2.0
# shows: partitions and their disk are devices of their own, and the disk's filter sees the partitions' writes
. "${TESTS}/lib.sh"
load
addpart /dev/vdb 1 2048 100000 && addpart /dev/vdb 2 102048 100003 || fail addpart
await 5 "partitions" [ -b /dev/vdb2 ]
attach /dev/vdb1 /dev/vdb2 /dev/vdb
[ "$(field capacity "$(blkctl cbtinfo /dev/vdb2)")" = $((100003 * 512)) ] || fail "$(blkctl cbtinfo /dev/vdb2)"
sectors fill /dev/vdb1 0 100000 1
sectors fill /dev/vdb2 0 100003 1
# The partition alone.
take_of /dev/vdb2
sectors fill /dev/vdb2 0 1000 2
sectors fill /dev/vdb2 100002 1 2
sectors fill /dev/vdb1 0 1000 2
sectors check "$(image /dev/vdb2)" 0 100003 1 || fail "image of the partition"
destroy
# The whole disk, written through the partitions.
sectors fill /dev/vdb1 0 1000 1
sectors fill /dev/vdb2 0 1000 1
sectors fill /dev/vdb2 100002 1 1
cp /dev/vdb "${PLACE}/before" --sparse=always
take_of /dev/vdb
sectors fill /dev/vdb1 500 5000 3
sectors fill /dev/vdb2 99000 1003 3
cmp "$(image /dev/vdb)" "${PLACE}/before" || fail "image of the disk"
destroy
take_of /dev/vdb
number=$(field changes "$(blkctl cbtinfo /dev/vdb)")
byte=$(blkctl cbtmap /dev/vdb $(((2048 + 500) / 128)) 1 | od -An -tu1 | tr -d ' ')
[ "${byte}" = $((number)) ] || fail "the disk's map has ${byte} for a block of partition 1, number ${number}"
destroy
# Both at once, in one snapshot.
take_of /dev/vdb /dev/vdb1
sectors fill /dev/vdb1 40000 5000 4
sectors check "$(image /dev/vdb1)" 40000 5000 1 || fail "image of the partition beside its disk's"
sectors check "$(image /dev/vdb1)" 1000 4000 3 || fail "image of the partition beside its disk's"
destroy
detach /dev/vdb1 /dev/vdb2 /dev/vdb
delpart /dev/vdb 1 && delpart /dev/vdb 2 || fail delpart
unload
