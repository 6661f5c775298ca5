# SPDX-License-Identifier: GPL-2.0
# shows: a loop device, and the disk its file lies on, each with a filter
. "${TESTS}/lib.sh"
load
mkfs.ext4 -q -F "${DISK}" || fail mkfs
mounted "${DISK}" below
fallocate -l 64M "${PLACE}/below/file" || fail fallocate
loop=$(losetup -f --show "${PLACE}/below/file") || fail losetup
sectors fill "${loop}" 0 65536 1
attach "${DISK}" "${loop}"
take_of "${loop}"
sectors fill "${loop}" 3 10000 2
sectors check "$(image "${loop}")" 0 65536 1 || fail "image of the loop device"
destroy
sectors fill "${loop}" 3 10000 1
sync -f "${PLACE}/below"
# Freezing the disk's file system stops the loop device's writes; a take of both has to cope.
busy_device "${loop}"
for round in 1 2 3; do
    if ! timeout 40 blkctl create >"${PLACE}/id"; then fail create; fi
    ID=$(cat "${PLACE}/id")
    blkctl add "${DISK}" "${ID}" && blkctl add "${loop}" "${ID}" || fail add
    blkctl append "${ID}" "${STORAGE}" 0:1000000 || fail append
    if ! words=$(timeout 60 blkctl take "${ID}" 2>&1); then
        say "round ${round}: the take of both was refused: ${words}"
    else
        mounted "$(image "${DISK}")" image ro
        cmp -n 33554432 "${PLACE}/image/file" "$(image "${loop}")" || say "round ${round}: a cached write lay between them"
        unmounted image
    fi
    destroy
    timeout 20 dd if=/dev/zero of="${PLACE}/below/after" bs=4k count=10 conv=fsync status=none || fail "the file system is frozen"
done
kill -0 "${CHILDREN[0]}" || fail "the writer of the loop device ended"
stop_children
detach "${DISK}" "${loop}"
losetup -d "${loop}"
unmounted below
unload
