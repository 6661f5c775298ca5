# SPDX-License-Identifier: GPL-2.0
# shows: one instant for two devices: a sequence across them has no gap
. "${TESTS}/lib.sh"
load
for disk in /dev/vdd /dev/vde; do
    sectors zero "${disk}" 0 262144
    attach "${disk}"
done
sequence "${STORAGE}" "$(scaled 8)" 3 /dev/vdd /dev/vde || fail "see above"
detach /dev/vdd /dev/vde
unload
