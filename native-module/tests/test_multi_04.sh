# SPDX-License-Identifier: GPL-2.0
# shows: a take that fails for one device puts everything back for all
. "${TESTS}/lib.sh"
load
attach "${DISK}" /dev/vdb
mkfs.ext4 -q -F "${DISK}" || fail mkfs
mounted "${DISK}" live
before=$(blkctl cbtinfo "${DISK}")
# vdl's blocks are greater than vda's: a storage vda can't use.
prepare "${DISK}" /dev/vdb
if blkctl append "${ID}" /dev/vdl 0:65536 2>/dev/null; then
    if blkctl take "${ID}" 2>/dev/null; then
        fail "a take with a storage of the wrong kind"
    fi
else
    refuses EFAULT blkctl take "${ID}"
fi
timeout 10 dd if=/dev/zero of="${PLACE}/live/file" bs=4k count=100 conv=fsync status=none || fail "the file system is frozen"
timeout 10 sectors fill /dev/vdb 0 64 1 || fail "the other device is held"
[ "$(blkctl cbtinfo "${DISK}")" = "${before}" ] || fail "the refused take counted: $(blkctl cbtinfo "${DISK}"), before ${before}"
[ ! -e /sys/block/blksnap-image* ] || fail "an image appeared"
blkctl append "${ID}" "${STORAGE}" 0:200000 || fail append
destroy
take_of "${DISK}" /dev/vdb
destroy
unmounted live
detach "${DISK}" /dev/vdb
unload
