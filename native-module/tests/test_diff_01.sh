# SPDX-License-Identifier: GPL-2.0
# shows: difference storage in a file of the very file system that is snapshotted, by its extents
. "${TESTS}/lib.sh"
mkfs.ext4 -q -F "${DISK}" || fail mkfs
mounted "${DISK}" live
files "${PLACE}/live/kept" 25
cp "${PLACE}/live/kept.sums" "${PLACE}/sums"
fallocate -l 96M "${PLACE}/live/storage" || fail fallocate
sync -f "${PLACE}/live"
# "ext: logical..: physical..: length: …" in units of 512 bytes
mapfile -t ranges < <(filefrag -b512 -v "${PLACE}/live/storage" | sed -nE 's/^ *[0-9]+: *[0-9]+\.\. *[0-9]+: *([0-9]+)\.\. *[0-9]+: *([0-9]+):.*$/\1:\2/p')
[ ${#ranges[@]} -gt 0 ] || fail "no extents: $(filefrag -b512 -v "${PLACE}/live/storage")"
load
attach "${DISK}"
prepare "${DISK}"
blkctl append "${ID}" "${DISK}" "${ranges[@]}" || fail append
busy "${PLACE}/live/load"
sleep 0.5
blkctl take "${ID}" || fail take
for file in "${PLACE}"/live/kept/*; do
    head -c 30000 /dev/urandom >"${file}"
done
sync -f "${PLACE}/live"
mounted "$(image "${DISK}")" image ro
same_files "${PLACE}/image/kept" "${PLACE}/sums"
sleep 1
echo 3 >/proc/sys/vm/drop_caches
same_files "${PLACE}/image/kept" "${PLACE}/sums"
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}")"
unmounted image
# The storage's own writes are neither tracked nor copied.
destroy
stop_children
sync -f "${PLACE}/live"
unmounted live
take_of "${DISK}"
number=$(field changes "$(blkctl cbtinfo "${DISK}")")
destroy
size=$(field block_size "$(blkctl cbtinfo "${DISK}")")
blkctl cbtmap "${DISK}" >"${PLACE}/map"
first=${ranges[0]%%:*}
length=${ranges[0]##*:}
from=$(((first * 512 + size - 1) / size))
to=$(((first + length) * 512 / size))
marked=$(tail -c +$((from + 1)) "${PLACE}/map" | head -c $((to - from)) | od -An -v -tu1 -w1 | awk '$1 > 0' | wc -l)
[ "${marked}" = 0 ] || fail "${marked} blocks of the storage's $((to - from)) are marked changed (number ${number})"
detach "${DISK}"
unload
e2fsck -fn "${DISK}" >"${PLACE}/fsck" 2>&1 || fail "the live file system: $(tail -n 5 "${PLACE}/fsck")"
