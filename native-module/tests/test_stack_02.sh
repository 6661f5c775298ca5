# SPDX-License-Identifier: GPL-2.0
# shows: dm-linear of two disks, and a filter above and one below at once
. "${TESTS}/lib.sh"
load
made_dm linear "0 30000 linear /dev/vdd 100
30000 30001 linear /dev/vde 7"
sectors fill /dev/mapper/linear 0 60001 1
attach /dev/mapper/linear
take_of /dev/mapper/linear
sectors fill /dev/mapper/linear 29000 2000 2
sectors fill /dev/mapper/linear 60000 1 2
sectors check "$(image /dev/mapper/linear)" 0 60001 1 || fail "image"
sectors check /dev/mapper/linear 29000 2000 2 || fail "live"
destroy
attach /dev/vdd
# One above the other in one snapshot: holding the lower must not keep the upper from draining.
busy_device /dev/mapper/linear
for round in 1 2 3 4 5; do
    take_of /dev/vdd /dev/mapper/linear
    destroy
    take_of /dev/mapper/linear /dev/vdd
    cmp -n 1000000 "$(image /dev/mapper/linear)" <(tail -c +$((100 * 512 + 1)) "$(image /dev/vdd)") || fail "round ${round}: the images of above and below differ"
    destroy
done
stop_children
detach /dev/vdd /dev/mapper/linear
dmsetup remove --noudevsync linear || fail "dmsetup remove"
unload
