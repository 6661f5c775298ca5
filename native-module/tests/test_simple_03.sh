# SPDX-License-Identifier: GPL-2.0
# shows: btrfs in use: the image's files match under a name of its own, the live data is unharmed
. "${TESTS}/lib.sh"
mkfs.btrfs -q -f "${DISK}" || fail mkfs
mounted "${DISK}" live
files "${PLACE}/live/kept" 25
cp "${PLACE}/live/kept.sums" "${PLACE}/sums"
sync -f "${PLACE}/live"
load
attach "${DISK}"
busy "${PLACE}/live/load"
sleep 1
take_of "${DISK}"
for file in "${PLACE}"/live/kept/*; do
    head -c 20000 /dev/urandom >"${file}"
done
sync -f "${PLACE}/live"
(cd "${PLACE}/live/kept" && sha256sum -- *) >"${PLACE}/new"
image=$(image "${DISK}")
btrfs check --readonly --force "${image}" >"${PLACE}/check" 2>&1 || fail "the image's file system: $(tail -n 5 "${PLACE}/check")"
# A btrfs knows its devices by UUID; the image takes another, which writes into it.
btrfstune -f -m "${image}" >"${PLACE}/tune" 2>&1 || fail "btrfstune: $(tail -n 5 "${PLACE}/tune")"
mounted "${image}" image
same_files "${PLACE}/image/kept" "${PLACE}/sums"
unmounted image
btrfs device scan --forget "${image}" 2>/dev/null
destroy
stop_children
unmounted live
detach "${DISK}"
unload
btrfs check --readonly "${DISK}" >"${PLACE}/check" 2>&1 || fail "the live file system: $(tail -n 5 "${PLACE}/check")"
mounted "${DISK}" live
same_files "${PLACE}/live/kept" "${PLACE}/new"
