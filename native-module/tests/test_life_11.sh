# SPDX-License-Identifier: GPL-2.0
# shows: an attach to a device whose requests do not end is given up after a moment, and leaves no filter
. "${TESTS}/lib.sh"
load
modprobe scsi_debug dev_size_mb=16 delay=0 || skip "no scsi_debug"
found() { compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*' >/dev/null; }
await 10 "the disk of scsi_debug" found
disk=/dev/$(basename "$(compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*')")
await 5 "${disk}" [ -b "${disk}" ]
sectors fill "${disk}" 0 64 1
# Three times as long as an attach waits, and shorter than a hung task.
echo 15000000000 >/sys/bus/pseudo/drivers/scsi_debug/ndelay 2>/dev/null ||
    echo 3750 >/sys/bus/pseudo/drivers/scsi_debug/delay || skip "scsi_debug can't be made slow"
say "delay $(cat /sys/bus/pseudo/drivers/scsi_debug/delay), ndelay $(cat /sys/bus/pseudo/drivers/scsi_debug/ndelay)"
dd if=/dev/zero of="${disk}" bs=4k count=1 oflag=direct status=none &
writer=$!
waits() { [ "$(awk '{print $9}' "/sys/block/${disk#/dev/}/stat")" -gt 0 ]; }
await 5 "the request to be on its way" waits
began=${SECONDS}
refuses ETIMEDOUT blkctl attach "${disk}"
say "given up after $((SECONDS - began)) s"
[ $((SECONDS - began)) -lt 9 ] || fail "that took $((SECONDS - began)) s"
refuses ENOENT blkctl cbtinfo "${disk}"
wait "${writer}" || fail "the write"
echo 0 >/sys/bus/pseudo/drivers/scsi_debug/delay
attach "${disk}"
sectors fill "${disk}" 0 64 2
take_of "${disk}"
destroy
detach "${disk}"
await 10 "the driver to be let go" rmmod scsi_debug
unload
