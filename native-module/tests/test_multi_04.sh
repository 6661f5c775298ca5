# SPDX-License-Identifier: GPL-2.0
# shows: a take that fails for one device puts everything back for all
. "${TESTS}/lib.sh"
load
made_dm stuck "0 65536 linear /dev/vdb 0"
attach "${DISK}" /dev/mapper/stuck
mkfs.ext4 -q -F "${DISK}" || fail mkfs
mounted "${DISK}" live
take_of "${DISK}" /dev/mapper/stuck
destroy
before=$(blkctl cbtinfo "${DISK}")
# The write of a suspended device does not end, so its writes can't be drained.
echo stuck >"${PLACE}/suspended"
dmsetup suspend --noudevsync stuck || fail suspend
background sectors fill /dev/mapper/stuck 0 8 1
sleep 0.5
prepare "${DISK}" /dev/mapper/stuck
blkctl append "${ID}" "${STORAGE}" 0:200000 || fail append
began=${SECONDS}
if timeout 90 blkctl take "${ID}" 2>"${PLACE}/words"; then
    fail "a take of a device whose writes don't end"
fi
say "refused after $((SECONDS - began)) s: $(cat "${PLACE}/words")"
[ -s "${PLACE}/words" ] || fail "the take did not end by itself"
timeout 10 dd if=/dev/zero of="${PLACE}/live/file" bs=4k count=100 conv=fsync status=none || fail "the file system is frozen"
[ "$(blkctl cbtinfo "${DISK}")" = "${before}" ] || fail "the refused take counted: $(blkctl cbtinfo "${DISK}"), before ${before}"
[ -z "$(compgen -G '/sys/block/blksnap-image*')" ] || fail "an image appeared"
[ "$(blkctl info "${DISK}")" = "0 " ] || fail "snapshotinfo: $(blkctl info "${DISK}")"
dmsetup resume --noudevsync stuck || fail resume
rm "${PLACE}/suspended"
wait "${CHILDREN[0]}" || fail "the write that waited for the resume"
CHILDREN=()
# The same snapshot can be taken now.
blkctl take "${ID}" || fail "the take tried again"
sectors fill /dev/mapper/stuck 0 8 2
sectors check "$(image /dev/mapper/stuck)" 0 8 1 || fail "the image"
destroy
unmounted live
detach "${DISK}" /dev/mapper/stuck
dmsetup remove --noudevsync stuck || fail "dmsetup remove"
unload
