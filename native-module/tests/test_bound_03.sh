# SPDX-License-Identifier: GPL-2.0
# shows: writes that cross chunks, begin and end anywhere, at several chunk sizes
. "${TESTS}/lib.sh"
for shift in 12 16 18 20; do
    sectors fill "${DISK}" 0 16384 1
    load chunk_minimum_shift="${shift}" chunk_maximum_shift="${shift}" chunk_maximum_in_queue=2
    attach "${DISK}"
    take_of "${DISK}"
    image=$(image "${DISK}")
    chunk=$((1 << (shift - 9)))
    while read -r first count; do
        [ $((first + count)) -le 16384 ] || continue
        sectors fill "${DISK}" "${first}" "${count}" 2
        sectors check "${image}" "${first}" "${count}" 1 || fail "chunk of 2^${shift}: image of ${first}+${count}"
    done <<END
$((chunk - 1)) 2
$((chunk * 2)) ${chunk}
$((chunk * 4 - 3)) $((chunk + 6))
$((chunk * 7 + 1)) 1
$((chunk * 9 + chunk / 2)) $((chunk / 2))
1 1
16383 1
16000 384
5000 3000
END
    sectors check "${image}" 0 16384 1 || fail "chunk of 2^${shift}: the image"
    # The same through the image.
    sectors fill "${image}" $((chunk - 3)) 7 3
    sectors check "${image}" $((chunk - 3)) 7 3 || fail "image write over a chunk's edge"
    sectors check "${image}" $((chunk + 4)) 300 1 || fail "behind it"
    destroy
    detach "${DISK}"
    unload
done
