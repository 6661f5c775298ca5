# SPDX-License-Identifier: GPL-2.0
# shows: the driver of an attached device can be unloaded, also while a snapshot is held and its image read
. "${TESTS}/lib.sh"
load
sectors fill "${DISK}" 0 4096 1
attach "${DISK}"
made_zram() {
    modprobe zram num_devices=1 || skip "no zram"
    echo 32M >/sys/block/zram0/disksize || fail "zram"
    disk=/dev/zram0
}
made_nullblk() { # QUEUE MODE
    modprobe null_blk nr_devices=1 gb=1 queue_mode="$1" || skip "no null_blk"
    disk=/dev/nullb0
}
made_scsi() {
    modprobe scsi_debug dev_size_mb=16 delay=0 || skip "no scsi_debug"
    found() { compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*' >/dev/null; }
    await 10 "the disk of scsi_debug" found
    disk=/dev/$(basename "$(compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/block/*')")
}
# Opens, reads a little past the cache, and closes: so that nothing but us has the disk when the driver goes.
reader() {
    local n=0
    while dd if="$1" of=/dev/null bs=64k skip=$((n++ % 100)) count=1 iflag=direct status=none 2>/dev/null; do :; done
}
while read -r driver make mode; do
    # Attached.
    "${make}" "${mode}"
    attach "${disk}"
    sectors fill "${disk}" 0 4096 1
    await 10 "${driver} to be unloaded, attached" rmmod "${driver}"
    # With a snapshot, and somebody who reads its image.
    "${make}" "${mode}"
    attach "${disk}"
    take_of "${disk}" "${DISK}"
    image=$(image "${disk}")
    other=$(image "${DISK}")
    sectors fill "${disk}" 0 64 2
    background reader "${image}"
    background reader "${image}"
    sleep 0.3
    await 20 "${driver} to be unloaded, held" rmmod "${driver}"
    if timeout 10 dd if="${image}" of=/dev/null bs=4k count=1 skip=2000 iflag=direct 2>/dev/null; then
        fail "the image of a device that is gone is read"
    fi
    stop_children
    sectors fill "${DISK}" 0 4096 2
    sectors check "${other}" 0 4096 1 || fail "${driver}: the other image"
    sectors fill "${DISK}" 0 4096 1
    # The same number for another disk, while the old one's snapshot is held.
    "${make}" "${mode}"
    attach "${disk}" || fail "the next disk of ${driver}"
    destroy
    sectors fill "${disk}" 0 64 3
    await 10 "${driver} to be unloaded, again" rmmod "${driver}"
    say "${driver} ${mode}"
done <<'END'
zram made_zram
null_blk made_nullblk 0
null_blk made_nullblk 2
scsi_debug made_scsi
END
# Loop devices go by a call to their control device.
truncate -s 16M "${PLACE}/file"
loop=$(losetup -f --show "${PLACE}/file")
attach "${loop}"
take_of "${loop}"
losetup -d "${loop}"
python3 - "${loop#/dev/loop}" <<'END' || fail "the loop device can't be removed"
import fcntl, sys
fcntl.ioctl(open('/dev/loop-control'), 0x4C81, int(sys.argv[1]))
END
[ ! -e "/sys/block/${loop#/dev/}" ] || fail "${loop} is there"
destroy
detach "${DISK}"
unload
