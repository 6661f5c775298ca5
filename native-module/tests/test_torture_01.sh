# SPDX-License-Identifier: GPL-2.0
# shows: a long random trial on one disk
. "${TESTS}/lib.sh"
sectors zero "${DISK}" 0 1048576
load diff_storage_minimum=65536
attach "${DISK}"
torture "${STORAGE}" "$(scaled 3)" 4 2000 "${SEED}" "${DISK}" || fail "seed ${SEED}"
detach "${DISK}"
unload
