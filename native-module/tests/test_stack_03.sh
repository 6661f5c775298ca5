# SPDX-License-Identifier: GPL-2.0
# shows: md: a mirror and a stripe, in use
. "${TESTS}/lib.sh"
[ -x "${MDADM}" ] || skip "no mdadm"
load
modprobe raid1 && modprobe raid0 || skip "no md"
for level in 1 0; do
    "${MDADM}" --build /dev/md7 --level="${level}" --raid-devices=2 --assume-clean --chunk=64 /dev/vdd /dev/vde >"${PLACE}/mdadm" 2>&1 ||
        "${MDADM}" --build /dev/md7 --level="${level}" --raid-devices=2 --assume-clean /dev/vdd /dev/vde >"${PLACE}/mdadm" 2>&1 ||
        fail "mdadm: $(cat "${PLACE}/mdadm")"
    await 10 /dev/md7 [ -b /dev/md7 ]
    sectors fill /dev/md7 0 65536 1
    attach /dev/md7
    take_of /dev/md7
    sectors fill /dev/md7 100 9000 2
    sectors fill /dev/md7 65535 1 2
    sectors check "$(image /dev/md7)" 0 65536 1 || fail "level ${level}: image"
    sectors check /dev/md7 100 9000 2 || fail "level ${level}: live"
    destroy
    mkfs.ext4 -q -F /dev/md7 || fail mkfs
    mounted /dev/md7 live
    files "${PLACE}/live/kept" 20
    cp "${PLACE}/live/kept.sums" "${PLACE}/sums"
    take_of /dev/md7
    rm -r "${PLACE}/live/kept" && files "${PLACE}/live/other" 30 && sync -f "${PLACE}/live"
    mounted "$(image /dev/md7)" image ro
    same_files "${PLACE}/image/kept" "${PLACE}/sums"
    unmounted image live
    destroy
    detach /dev/md7
    "${MDADM}" --stop /dev/md7 >"${PLACE}/mdadm" 2>&1 || fail "mdadm --stop: $(cat "${PLACE}/mdadm")"
done
unload
