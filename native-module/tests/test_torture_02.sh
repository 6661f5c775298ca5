# SPDX-License-Identifier: GPL-2.0
# shows: a long random trial on three disks: odd capacity, 4096-byte blocks, device mapper
. "${TESTS}/lib.sh"
made_dm linear "0 60000 linear /dev/vdd 100
60000 40001 linear /dev/vde 7"
for disk in /dev/vdk /dev/vdl /dev/mapper/linear; do
    blkdiscard -f -z "${disk}"
done
load diff_storage_minimum=131072 chunk_minimum_shift=16
attach /dev/vdk /dev/vdl /dev/mapper/linear
torture "${STORAGE}" "$(scaled 2)" 2 2000 "${SEED}" /dev/vdk /dev/vdl /dev/mapper/linear || fail "seed ${SEED}"
detach /dev/vdk /dev/vdl /dev/mapper/linear
dmsetup remove --noudevsync linear || fail "dmsetup remove"
unload
