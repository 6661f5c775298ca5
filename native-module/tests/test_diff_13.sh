# SPDX-License-Identifier: GPL-2.0
# shows: with discard_swallow a discard under a held snapshot copies nothing; without a snapshot, and for what is copied, it is done
. "${TESTS}/lib.sh"
load discard_swallow=1
discarded() { awk '{print $14}' "/sys/block/${DISK#/dev/}/stat"; }
sectors fill "${DISK}" 0 32768 1
attach "${DISK}"
# So small that a copy of what is discarded could not be stored.
prepare "${DISK}"
blkctl append "${ID}" "${STORAGE}" 0:4096 || fail append
blkctl take "${ID}" || fail take
image=$(image "${DISK}")
before=$(discarded)
blkdiscard -f "${DISK}" || fail "the discard of the whole device"
sectors discard "${DISK}" 64 4096 || fail "a discard"
[ "$(discarded)" = "${before}" ] || fail "a discard was done"
sleep 2
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}")"
sectors check "${image}" 0 32768 1 || fail "the image"
sectors check "${DISK}" 0 32768 1 || fail "the live device"
# Zeroes are no discard: they have to be there.
sectors zero "${DISK}" 512 512 || fail "zeroes"
sectors check "${DISK}" 512 512 0 || fail "the zeroes are not there"
sectors check "${image}" 0 32768 1 || fail "the image after the zeroes"
# What is copied already may be discarded.
sectors discard "${DISK}" 512 512 || fail "a discard of what is copied"
[ "$(discarded)" -gt "${before}" ] || fail "a discard of what is copied was not done"
sectors check "${image}" 0 32768 1 || fail "the image after that"
destroy
before=$(discarded)
blkdiscard -f "${DISK}" || fail "the discard without a snapshot"
[ "$(discarded)" -gt "${before}" ] || fail "a discard without a snapshot was not done"
detach "${DISK}"
unload
