# SPDX-License-Identifier: GPL-2.0
# shows: the map is exact, byte by byte, at several block sizes
. "${TESTS}/lib.sh"
for shift in 12 16 20; do
    load tracking_block_minimum_shift="${shift}"
    for disk in /dev/vdk /dev/vdd; do
        attach "${disk}"
        cbt "${disk}" "${STORAGE}" "$(scaled 4)" 60 "${SEED}" || fail "blocks of 2^${shift}, ${disk}, seed ${SEED}"
        detach "${disk}"
    done
    unload
done
