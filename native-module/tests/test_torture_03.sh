# SPDX-License-Identifier: GPL-2.0
# shows: a long random trial with the least memory the parameters allow and a slow storage
. "${TESTS}/lib.sh"
sectors zero /dev/vdd 0 262144
modprobe dm-delay || skip "no dm-delay"
made_dm slow "0 1048576 delay ${STORAGE} 0 20"
STORAGE=/dev/mapper/slow
load diff_storage_minimum=65536 chunk_maximum_in_queue=1 free_diff_buffer_pool_size=0 chunk_minimum_shift=14 tracking_block_minimum_shift=12
attach /dev/vdd
torture "${STORAGE}" "$(scaled 2)" 3 2000 "${SEED}" /dev/vdd || fail "seed ${SEED}"
detach /dev/vdd
unload
dmsetup remove --noudevsync slow || fail "the storage is still held"
