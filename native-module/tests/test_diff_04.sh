# SPDX-License-Identifier: GPL-2.0
# shows: low space is said once, at half of the minimum, and again only after what was asked for was given
. "${TESTS}/lib.sh"
sectors zero "${DISK}" 0 65536
load diff_storage_minimum=8192 chunk_maximum_in_queue=1
attach "${DISK}"
prepare "${DISK}"
[ "$(blkctl wait "${ID}" 1000)" = "low_free_space 8192" ] || fail "first event"
refuses ENOENT blkctl wait "${ID}" 100
blkctl append "${ID}" "${STORAGE}" 0:8192 || fail append
refuses ENOENT blkctl wait "${ID}" 100
blkctl take "${ID}" || fail take
# Seven chunks of 512 sectors: 4608 sectors free, more than half.
sectors fill "${DISK}" 0 3584 1
refuses ENOENT blkctl wait "${ID}" 1500
# The eighth: half.
sectors fill "${DISK}" 3584 512 1
[ "$(blkctl wait "${ID}" 10000)" = "low_free_space 8192" ] || fail "second event"
sectors fill "${DISK}" 4096 2048 1
refuses ENOENT blkctl wait "${ID}" 1500
# A part of what was asked for is not enough to ask again.
blkctl append "${ID}" "${STORAGE}" 8192:4096 || fail append
sectors fill "${DISK}" 6144 512 1
refuses ENOENT blkctl wait "${ID}" 1500
blkctl append "${ID}" "${STORAGE}" 12288:4096 || fail append
sectors fill "${DISK}" 6656 512 1
sectors fill "${DISK}" 7168 5120 1
[ "$(blkctl wait "${ID}" 10000)" = "low_free_space 8192" ] || fail "third event"
sectors check "$(image "${DISK}")" 0 16384 0 || fail "the image"
destroy
detach "${DISK}"
unload
