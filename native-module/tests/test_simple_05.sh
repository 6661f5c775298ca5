# SPDX-License-Identifier: GPL-2.0
# shows: the whole cycle on a file system as a root disk is: many small files, a log, memory-mapped writes
. "${TESTS}/lib.sh"
mkfs.ext4 -q -F "${DISK}" || fail mkfs
mounted "${DISK}" live discard
mkdir "${PLACE}/live/etc" && cp -r /etc/ssl /etc/default /etc/init.d "${PLACE}/live/etc/" 2>/dev/null
sync -f "${PLACE}/live"
(cd "${PLACE}/live" && find etc -type f -exec sha256sum {} +) >"${PLACE}/sums"
load
attach "${DISK}"
busy "${PLACE}/live/log"
background fio --name=mapped --directory="${PLACE}/live" --rw=randwrite --bs=4k --size=4M --ioengine=mmap --time_based --runtime=600 \
    --output=/dev/null
for round in 1 2 3; do
    take_of "${DISK}"
    mounted "$(image "${DISK}")" image ro
    same_files "${PLACE}/image" "${PLACE}/sums"
    unmounted image
    e2fsck -fn "$(image "${DISK}")" >"${PLACE}/fsck" 2>&1 || fail "image ${round}: $(tail -n 5 "${PLACE}/fsck")"
    destroy
    rm -rf "${PLACE}/live/log/new1"* && fstrim "${PLACE}/live"
done
stop_children
detach "${DISK}"
same_files "${PLACE}/live" "${PLACE}/sums"
unmounted live
unload
