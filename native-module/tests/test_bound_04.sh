# SPDX-License-Identifier: GPL-2.0
# shows: devices smaller than a chunk or a block, down to eight sectors
. "${TESTS}/lib.sh"
load
for sectors in 8 9 100 511 512 513; do
    made_dm small "0 ${sectors} linear /dev/vdb 1000"
    sectors fill /dev/mapper/small 0 "${sectors}" 1
    attach /dev/mapper/small
    info=$(blkctl cbtinfo /dev/mapper/small)
    [ "$(field block_count "${info}")" = $(((sectors * 512 + 65535) / 65536)) ] || fail "${sectors} sectors: ${info}"
    take_of /dev/mapper/small
    image=$(image /dev/mapper/small)
    sectors fill /dev/mapper/small 0 "${sectors}" 2
    sectors check "${image}" 0 "${sectors}" 1 || fail "image of ${sectors} sectors"
    sectors fill "${image}" $((sectors - 1)) 1 3
    sectors check "${image}" $((sectors - 1)) 1 3 || fail "image write, ${sectors} sectors"
    sectors check /dev/mapper/small 0 "${sectors}" 2 || fail "live of ${sectors} sectors"
    destroy
    detach /dev/mapper/small
    dmsetup remove --noudevsync small || fail "the device is held"
done
unload
