# SPDX-License-Identifier: GPL-2.0
# shows: buffered and mapped writes of a mounted file system reach the map: a backup of changed blocks is the image
. "${TESTS}/lib.sh"
DISK=/dev/vdd
mkfs.ext4 -q -F "${DISK}" || fail mkfs
mounted "${DISK}" live
load
attach "${DISK}"
size=$(field block_size "$(blkctl cbtinfo "${DISK}")")
busy "${PLACE}/live/load"
background fio --name=mapped --directory="${PLACE}/live" --rw=randwrite --bs=4k --size=4M --ioengine=mmap --time_based --runtime=600 \
    --output=/dev/null
truncate -s "$(blockdev --getsize64 "${DISK}")" "${PLACE}/backup"
number=0
for round in 1 2 3; do
    sleep 1
    take_of "${DISK}"
    image=$(image "${DISK}")
    if [ "${round}" = 1 ]; then
        dd if="${image}" of="${PLACE}/backup" bs=1M conv=sparse,notrunc status=none
    else
        blkctl cbtmap "${DISK}" | od -An -v -tu1 -w1 |
            awk -v n="${number}" 'BEGIN {last = -1} $1 > n {if (NR != last + 1) {if (count) print first, count; first = NR - 1; count = 0} count++; last = NR}
                END {if (count) print first, count}' >"${PLACE}/blocks"
        [ -s "${PLACE}/blocks" ] || fail "nothing changed"
        while read -r block count; do
            dd if="${image}" of="${PLACE}/backup" bs="${size}" skip="${block}" seek="${block}" count="${count}" conv=notrunc status=none
        done <"${PLACE}/blocks"
        say "round ${round}: $(wc -l <"${PLACE}/blocks") runs of blocks of ${size}"
        cmp "${image}" "${PLACE}/backup" || fail "the backup of changed blocks is not the image"
    fi
    number=$(field changes "$(blkctl cbtinfo "${DISK}")")
    destroy
done
stop_children
detach "${DISK}"
unmounted live
unload
