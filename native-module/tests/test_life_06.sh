# SPDX-License-Identifier: GPL-2.0
# shows: a device that goes away while its snapshot is held: the image is corrupted, the others are well
. "${TESTS}/lib.sh"
load
modprobe scsi_debug dev_size_mb=16 delay=0 || skip "no scsi_debug"
found() { compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*' >/dev/null; }
await 10 "the disk of scsi_debug" found
path=$(compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*')
disk=/dev/$(basename "${path}")
sectors fill "${DISK}" 0 4096 1
attach "${disk}" "${DISK}"
take_of "${disk}" "${DISK}"
image=$(image "${disk}")
other=$(image "${DISK}")
sectors fill "${disk}" 0 64 1
timeout 20 sh -c "echo 1 >'$(dirname "$(dirname "${path}")")/delete'" || fail "the device can't be removed"
gone() { [ ! -e "${path}" ]; }
await 10 "the disk to go away" gone
if timeout 10 dd if="${image}" of=/dev/null bs=4k count=1 skip=2000 iflag=direct 2>/dev/null; then
    fail "the image of a device that is gone is read"
fi
sectors fill "${DISK}" 0 4096 2
sectors check "${other}" 0 4096 1 || fail "the other image"
destroy
await 10 "the driver to be let go" rmmod scsi_debug
detach "${DISK}"
unload
