# SPDX-License-Identifier: GPL-2.0
# shows: storage that checks what it is given against a sum: image writes do not change what is on its way
. "${TESTS}/lib.sh"
modprobe scsi_debug dev_size_mb=96 dif=1 dix=1 delay=0 || skip "no scsi_debug"
found() { compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*' >/dev/null; }
await 10 "the disk of scsi_debug" found
storage=/dev/$(basename "$(compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*')")
await 5 "${storage}" [ -b "${storage}" ]
[ "$(cat "/sys/block/${storage#/dev/}/integrity/write_generate" 2>/dev/null)" = 1 ] || skip "${storage} has no integrity data"
sectors fill "${DISK}" 0 65536 1
load chunk_maximum_in_queue=1
attach "${DISK}"
prepare "${DISK}"
blkctl append "${ID}" "${storage}" "0:$(sectors size "${storage}")" || fail append
blkctl take "${ID}" || fail take
image=$(image "${DISK}")
# Few chunks, written again and again while they are being stored.
fio --name=image --filename="${image//:/\\:}" --rw=randwrite --bs=64k --size=8M --ioengine=psync --direct=1 --numjobs=4 --time_based \
    --runtime=12 --output="${PLACE}/fio" || fail "fio: $(tail -n 3 "${PLACE}/fio")"
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}")"
sectors fill "${image}" 0 16384 3
echo 3 >/proc/sys/vm/drop_caches
sectors check "${image}" 0 16384 3 || fail "the image"
sectors check "${DISK}" 0 65536 1 || fail "the live device"
destroy
detach "${DISK}"
unload
