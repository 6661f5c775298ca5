# SPDX-License-Identifier: GPL-2.0
# shows: the ranges of a snapshot are bounded, whether they come by one call or by many
. "${TESTS}/lib.sh"
load
attach "${DISK}"
prepare "${DISK}"
most=1048576
blkctl ranges "${ID}" "${STORAGE}" $((most / 2)) || fail "half of them"
refuses EINVAL blkctl ranges "${ID}" "${STORAGE}" $((most + 1))
refuses ENOSPC blkctl ranges "${ID}" "${STORAGE}" $((most / 2 + 1))
blkctl ranges "${ID}" "${STORAGE}" $((most / 2 - 1)) || fail "up to the last"
refuses ENOSPC blkctl append "${ID}" "${STORAGE}" 0:8 8:8
blkctl append "${ID}" "${STORAGE}" 0:524288 || fail "the last one"
refuses ENOSPC blkctl append "${ID}" "${STORAGE}" 8:8
sectors fill "${DISK}" 0 4096 1
blkctl take "${ID}" || fail take
sectors fill "${DISK}" 0 4096 2
sectors check "$(image "${DISK}")" 0 4096 1 || fail "the image"
destroy
detach "${DISK}"
unload
