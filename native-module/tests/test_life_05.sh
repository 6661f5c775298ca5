# SPDX-License-Identifier: GPL-2.0
# shows: a device that goes away while attached: no trace, and the module goes on
. "${TESTS}/lib.sh"
load
for round in 1 2 3; do
    made_dm gone "0 65536 linear /dev/vdb 0"
    attach /dev/mapper/gone
    sectors fill /dev/mapper/gone 0 64 1
    dmsetup remove --noudevsync gone || fail "an attached device can't be removed"
done
modprobe null_blk nr_devices=1 gb=1 || skip "no null_blk"
attach /dev/nullb0
busy_device /dev/nullb0
sleep 0.3
stop_children
# What holds the device now is nobody of ours.
await 10 "the driver to be let go" rmmod null_blk
modprobe scsi_debug dev_size_mb=16 delay=0 || skip "no scsi_debug"
found() { compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*' >/dev/null; }
await 10 "the disk of scsi_debug" found
path=$(compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*')
disk=/dev/$(basename "${path}")
attach "${disk}"
busy_device "${disk}"
sleep 0.3
echo 1 >"$(dirname "$(dirname "${path}")")/delete"
stop_children
gone() { [ ! -e "${path}" ]; }
await 10 "the disk to go away" gone
await 10 "the driver to be let go" rmmod scsi_debug
attach "${DISK}"
take_of "${DISK}"
destroy
detach "${DISK}"
unload
