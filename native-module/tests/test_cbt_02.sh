# SPDX-License-Identifier: GPL-2.0
# shows: the 256th take makes a new generation, and the map goes on exact
. "${TESTS}/lib.sh"
load
attach /dev/vdd
cbt /dev/vdd "${STORAGE}" 258 2 "${SEED}" || fail "seed ${SEED}"
detach /dev/vdd
unload
