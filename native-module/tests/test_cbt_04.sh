# SPDX-License-Identifier: GPL-2.0
# shows: block sizes follow the rule of the parameters
. "${TESTS}/lib.sh"
# vdd has 128 MiB.
while read -r minimum count maximum size; do
    load tracking_block_minimum_shift="${minimum}" tracking_block_maximum_count="${count}" tracking_block_maximum_shift="${maximum}"
    attach /dev/vdd
    info=$(blkctl cbtinfo /dev/vdd)
    [ "$(field block_size "${info}")" = "${size}" ] || fail "minimum ${minimum}, count ${count}, maximum ${maximum}: ${info}"
    [ "$(field block_count "${info}")" = $((134217728 / size)) ] || fail "${info}"
    detach /dev/vdd
    unload
done <<'END'
16 2097152 26 65536
16 2048 26 65536
16 2047 26 131072
16 100 26 2097152
16 1 20 1048576
20 2097152 16 65536
12 2097152 26 4096
END
