# SPDX-License-Identifier: GPL-2.0
# shows: the Java engine on a busy ext4: images, an increment, a restart, storage that grows in that very file system
. "${TESTS}/lib.sh"
engine_place "${STORAGE}"
mkfs.ext4 -q -F /dev/vdd || fail mkfs
mounted /dev/vdd live
files "${PLACE}/live/kept" 25
sync -f "${PLACE}/live"
load diff_storage_minimum=8192
busy "${PLACE}/live/load"
sleep 0.5
guest_java EngineUnderLoad || fail "see above"
stop_children
unmounted live place
unload
e2fsck -fn /dev/vdd >"${PLACE}/fsck" 2>&1 || fail "the live file system: $(tail -n 5 "${PLACE}/fsck")"
