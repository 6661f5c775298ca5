# SPDX-License-Identifier: GPL-2.0
# shows: ext4 in use: the image mounts, its files match, the live data is unharmed
. "${TESTS}/lib.sh"
mkfs.ext4 -q -F "${DISK}" || fail mkfs
live_files "${DISK}" 30
load
attach "${DISK}"
busy "${PLACE}/live/load"
sleep 1
take_of "${DISK}"
say "taken"
rewritten "${PLACE}/live/kept" "${PLACE}/new"
e2fsck -fn "$(image "${DISK}")" >"${PLACE}/fsck" 2>&1 || fail "the image's file system: $(tail -n 5 "${PLACE}/fsck")"
mounted "$(image "${DISK}")" image ro
same_files "${PLACE}/image/kept" "${PLACE}/sums"
sleep 1
echo 3 >/proc/sys/vm/drop_caches
same_files "${PLACE}/image/kept" "${PLACE}/sums"
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}")"
unmounted image
destroy
say "destroyed"
stop_children
detach "${DISK}"
unmounted live
unload
e2fsck -fn "${DISK}" >"${PLACE}/fsck" 2>&1 || fail "the live file system: $(tail -n 5 "${PLACE}/fsck")"
mounted "${DISK}" live
same_files "${PLACE}/live/kept" "${PLACE}/new"
