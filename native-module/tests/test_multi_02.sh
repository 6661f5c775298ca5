# SPDX-License-Identifier: GPL-2.0
# shows: one instant for eight devices of different sizes and kinds
. "${TESTS}/lib.sh"
load
made_dm linear "0 200000 linear /dev/vdb 8"
truncate -s 96M "${PLACE}/file"
loop=$(losetup -f --show "${PLACE}/file")
disks=(/dev/vdd /dev/vde /dev/vdf /dev/vdg /dev/vdk /dev/vdl /dev/mapper/linear "${loop}")
for disk in "${disks[@]}"; do
    blkdiscard -f -z "${disk}"
    attach "${disk}"
done
sequence "${STORAGE}" "$(scaled 4)" 2 "${disks[@]}" || fail "see above"
detach "${disks[@]}"
unload
losetup -d "${loop}"
