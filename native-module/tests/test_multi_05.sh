# SPDX-License-Identifier: GPL-2.0
# shows: one instant also where a device between the others is long in ending its writes
. "${TESTS}/lib.sh"
modprobe dm-delay || skip "no dm-delay"
load
# Kinds alike, so that the take has them in order, or in the opposite one: the slow one is in the middle.
made_dm one "0 200000 linear /dev/vdd 0"
made_dm slow "0 200000 delay /dev/vdf 0 0 /dev/vdf 0 150"
made_dm other "0 200000 linear /dev/vde 0"
disks=(/dev/mapper/one /dev/mapper/slow /dev/mapper/other)
for disk in /dev/vdd /dev/vde; do
    blkdiscard -f -z "${disk}"
done
attach "${disks[@]}"
written() { awk '{print $5}' /sys/block/vdf/stat; }
before=$(written)
busy_device /dev/mapper/slow
begun() { [ "$(written)" -gt "${before}" ]; }
await 30 "the first writes" begun
sequence "${STORAGE}" "$(scaled 5)" 3 /dev/mapper/one +/dev/mapper/slow /dev/mapper/other || fail "see above"
stop_children
detach "${disks[@]}"
unload
