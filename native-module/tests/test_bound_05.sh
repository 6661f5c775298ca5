# SPDX-License-Identifier: GPL-2.0
# shows: discard and write-zeroes are copied first, like any write
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 32768 1
load
attach "${DISK}"
take_of "${DISK}"
image=$(image "${DISK}")
sectors zero "${DISK}" 100 5000
sectors discard "${DISK}" 10000 8192
sectors discard "${DISK}" 0 8
sectors check "${image}" 0 32768 1 || fail "the image"
sectors check "${DISK}" 100 5000 0 || fail "live zeroes"
sectors check "${DISK}" 8192 1024 1 || fail "live between"
destroy
detach "${DISK}"
# A discard of the whole device, with the storage too small for it, must not hurt the device.
sectors fill "${DISK}" 0 4096 1
attach "${DISK}"
prepare "${DISK}"
blkctl append "${ID}" "${STORAGE}" 0:4096
blkctl take "${ID}"
blkdiscard -f "${DISK}" || fail "the discard of the whole device"
overflown() { [ "$(image_error "${DISK}")" != 0 ]; }
await 20 "the overflow" overflown
destroy
detach "${DISK}"
unload
