# SPDX-License-Identifier: GPL-2.0
# shows: difference storage on several devices, in many ranges, some too small to be used
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 65536 1
for disk in vdd vde vdf; do
    sectors zero "/dev/${disk}" 0 80000
done
load chunk_maximum_in_queue=1 free_diff_buffer_pool_size=0
attach "${DISK}"
prepare "${DISK}"
# Chunks have 512 sectors: 100 and 511 are of no use, 1000 holds one, 1024 two.
blkctl append "${ID}" /dev/vdd 0:100 2048:511 4096:1000 8192:1024 || fail append
blkctl append "${ID}" /dev/vde 1:20000 || fail append
blkctl append "${ID}" /dev/vdf 100:3000 40000:30000 || fail append
blkctl take "${ID}" || fail take
image=$(image "${DISK}")
sectors fill "${DISK}" 0 32768 2
sectors check "${image}" 0 65536 1 || fail "the image"
sectors fill "${DISK}" 32768 16384 2
sectors check "${image}" 0 65536 1 || fail "the image, later"
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}")"
# Nothing outside the ranges was written.
for range in "vdd 100 1948" "vdd 2559 1537" "vdd 5096 3096" "vdd 9216 5000" "vde 20001 5000" "vdf 3100 5000" "vdf 0 100"; do
    read -r disk first count <<<"${range}"
    sectors check "/dev/${disk}" "${first}" "${count}" 0 || fail "${disk} was written outside its ranges"
done
destroy
detach "${DISK}"
unload
