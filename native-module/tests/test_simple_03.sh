# SPDX-License-Identifier: GPL-2.0
# shows: btrfs in use: the image mounts as after a power loss, its files match, the live data is unharmed
. "${TESTS}/lib.sh"
mkfs.btrfs -q -f "${DISK}" >/dev/null || fail mkfs
live_files "${DISK}" 25
sync -f "${PLACE}/live"
load
attach "${DISK}"
busy "${PLACE}/live/load"
sleep 1
take_of "${DISK}"
rewritten "${PLACE}/live/kept" "${PLACE}/new"
image=$(image "${DISK}")
btrfs check --readonly --force "${image}" >"${PLACE}/check" 2>&1 || fail "the image's file system: $(tail -n 5 "${PLACE}/check")"
# A btrfs knows its devices by UUID, so that only one of the two can be mounted at a time.
stop_children
unmounted live
btrfs device scan --forget >/dev/null
mounted "${image}" image
same_files "${PLACE}/image/kept" "${PLACE}/sums"
files "${PLACE}/image/mine" 5
unmounted image
btrfs device scan --forget >/dev/null
destroy
detach "${DISK}"
unload
btrfs check --readonly "${DISK}" >"${PLACE}/check" 2>&1 || fail "the live file system: $(tail -n 5 "${PLACE}/check")"
mounted "${DISK}" live
same_files "${PLACE}/live/kept" "${PLACE}/new"
[ ! -e "${PLACE}/live/mine" ] || fail "what was written to the image is on the device"
