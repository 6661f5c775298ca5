# SPDX-License-Identifier: GPL-2.0
# shows: xfs in use: the image mounts, its files match, the live data is unharmed
. "${TESTS}/lib.sh"
mkfs.xfs -q -f "${DISK}" || fail mkfs
live_files "${DISK}" 25
load
attach "${DISK}"
busy "${PLACE}/live/load"
sleep 1
take_of "${DISK}"
rewritten "${PLACE}/live/kept" "${PLACE}/new"
mounted "$(image "${DISK}")" image nouuid
same_files "${PLACE}/image/kept" "${PLACE}/sums"
rm -r "${PLACE}/image/load" || fail "the image can't be written"
unmounted image
xfs_repair -n "$(image "${DISK}")" >"${PLACE}/repair" 2>&1 || fail "the image's file system: $(tail -n 5 "${PLACE}/repair")"
destroy
stop_children
unmounted live
detach "${DISK}"
unload
xfs_repair -n "${DISK}" >"${PLACE}/repair" 2>&1 || fail "the live file system: $(tail -n 5 "${PLACE}/repair")"
mounted "${DISK}" live
same_files "${PLACE}/live/kept" "${PLACE}/new"
