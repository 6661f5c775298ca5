# SPDX-License-Identifier: GPL-2.0
# shows: old data that can't be read corrupts the image, never the live write
. "${TESTS}/lib.sh"
# Ten sectors from 0x1234 on can be written but not read.
modprobe scsi_debug dev_size_mb=32 opts=2 delay=0 || skip "no scsi_debug"
found() { compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*' >/dev/null; }
await 10 "the disk of scsi_debug" found
disk=/dev/$(basename "$(compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*')")
sectors fill "${disk}" 0 16384 1
if sectors check "${disk}" 4656 8 1 2>/dev/null; then
    skip "the disk can be read"
fi
load
attach "${disk}"
take_of "${disk}"
image=$(image "${disk}")
sectors fill "${disk}" 0 512 2
sectors check "${image}" 0 4096 1 || fail "the image before"
sectors fill "${disk}" 4096 1024 2 || fail "a live write failed because old data could not be read"
broken() { [ "$(image_error "${disk}")" != 0 ]; }
await 20 "the failure to be noticed" broken
error=$(image_error "${disk}")
# A medium error is ENODATA for the block layer.
[ "${error}" = -5 ] || [ "${error}" = -61 ] || fail "error code ${error}, expected -5 or -61"
sectors check "${disk}" 4096 512 2 || fail "the live write is lost"
if sectors check "${image}" 0 8 1 2>/dev/null; then
    fail "a corrupted image is read"
fi
blkctl wait "${ID}" 1000 >"${PLACE}/event" 2>&1
blkctl wait "${ID}" 1000 >>"${PLACE}/event" 2>&1
grep -q "^corrupted .* ${error#-}$" "${PLACE}/event" || fail "no event of corruption: $(cat "${PLACE}/event")"
destroy
detach "${disk}"
unload
