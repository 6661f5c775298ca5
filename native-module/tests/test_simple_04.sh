# SPDX-License-Identifier: GPL-2.0
# shows: what is written to a mounted image stays in the image
. "${TESTS}/lib.sh"
DISK=/dev/vdd
# Without work for the kernel to do later: here nothing but the image may be written.
mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "${DISK}" || fail mkfs
live_files "${DISK}" 30
load
attach "${DISK}"
mount -o remount,ro "${PLACE}/live" || fail "remount"
take_of "${DISK}"
sum=$(sha256sum <"${DISK}")
mounted "$(image "${DISK}")" image
files "${PLACE}/image/mine" 30
rm -r "${PLACE}/image/kept"
cp "${PLACE}/image/mine.sums" "${PLACE}/mine"
unmounted image
e2fsck -fn "$(image "${DISK}")" >"${PLACE}/fsck" 2>&1 || fail "the written image: $(tail -n 5 "${PLACE}/fsck")"
echo 3 >/proc/sys/vm/drop_caches
mounted "$(image "${DISK}")" image ro
same_files "${PLACE}/image/mine" "${PLACE}/mine"
[ ! -e "${PLACE}/image/kept" ] || fail "the image forgot a removal"
unmounted image
[ "$(sha256sum <"${DISK}")" = "${sum}" ] || fail "the live device changed"
same_files "${PLACE}/live/kept" "${PLACE}/sums"
destroy
unmounted live
detach "${DISK}"
unload
