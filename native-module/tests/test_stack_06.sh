# SPDX-License-Identifier: GPL-2.0
# shows: a mounted loop device, and the mounted disk its file lies on, in one snapshot, the lower one added first
. "${TESTS}/lib.sh"
DISK=/dev/vdc
mkfs.ext4 -q -F "${DISK}" || fail mkfs
mounted "${DISK}" live
truncate -s 64M "${PLACE}/live/file"
loop=$(losetup -f --show "${PLACE}/live/file")
# Without work for later: a loop device's write-zeroes and ext4 do not agree over a frozen file system, and ext4 warns.
mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "${loop}" || fail "mkfs on the loop device"
mounted "${loop}" upper
load
attach "${DISK}" "${loop}"
files "${PLACE}/live/kept" 10
files "${PLACE}/upper/kept" 10
cp "${PLACE}/live/kept.sums" "${PLACE}/sums"
cp "${PLACE}/upper/kept.sums" "${PLACE}/upper.sums"
prepare "${DISK}" "${loop}"
blkctl append "${ID}" "${STORAGE}" "0:$(sectors size "${STORAGE}")" || fail append
# The freeze of the upper file system writes, and that waits for the lower one.
timeout 120 blkctl take "${ID}" || fail "take"
timeout 20 rm -r "${PLACE}/live/kept" "${PLACE}/upper/kept" || fail "a file system is frozen"
timeout 20 sync -f "${PLACE}/upper" || fail "the upper file system is frozen"
mounted "$(image "${DISK}")" image ro
same_files "${PLACE}/image/kept" "${PLACE}/sums"
unmounted image
mounted "$(image "${loop}")" image ro
same_files "${PLACE}/image/kept" "${PLACE}/upper.sums"
unmounted image
destroy
detach "${DISK}" "${loop}"
unmounted upper
losetup -d "${loop}"
unmounted live
unload
