# SPDX-License-Identifier: GPL-2.0
# shows: an overflow in the midst of readers and writers of one chunk of the image: errors for them, nothing worse
. "${TESTS}/lib.sh"
load chunk_minimum_shift=20
attach "${DISK}"
for round in $(seq "$(scaled 6)"); do
    prepare "${DISK}"
    blkctl append "${ID}" "${STORAGE}" 0:$((8 * 2048)) || fail append
    blkctl take "${ID}" || fail take
    image=$(image "${DISK}")
    for kind in randread randread randwrite; do
        background fio --name=image --filename="${image}" --rw="${kind}" --bs=4k --size=2M --ioengine=psync --direct=1 --time_based \
            --runtime=20 --continue_on_error=all --output=/dev/null
    done
    sleep 1
    sectors fill "${DISK}" $((round * 8192)) $((24 * 2048)) 1 || fail "the live write"
    failed() { [ "$(image_error "${DISK}")" != 0 ]; }
    await 20 "the overflow" failed
    sleep 0.3
    stop_children
    destroy
done
detach "${DISK}"
unload
