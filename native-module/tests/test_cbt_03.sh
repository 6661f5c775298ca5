# SPDX-License-Identifier: GPL-2.0
# shows: a device that grew or shrank gets a new map and generation at the next take
. "${TESTS}/lib.sh"
truncate -s 64M "${PLACE}/file"
loop=$(losetup -f --show "${PLACE}/file") || fail losetup
load
attach "${loop}"
sectors fill "${loop}" 0 64 1
take_of "${loop}"
first=$(blkctl cbtinfo "${loop}")
[ "$(field changes "${first}")" = 1 ] || fail "${first}"
destroy
for size in 96M 32M; do
    truncate -s "${size}" "${PLACE}/file"
    losetup -c "${loop}" || fail "resize"
    sectors fill "${loop}" 0 8 2
    [ "${size}" != 96M ] || sectors fill "${loop}" 190000 8 2
    [ "${size}" != 96M ] || refuses EFAULT blkctl cbtmap "${loop}"
    take_of "${loop}"
    info=$(blkctl cbtinfo "${loop}")
    bytes=$(blockdev --getsize64 "${loop}")
    [ "$(field capacity "${info}")" = "${bytes}" ] || fail "after ${size}: ${info}"
    [ "$(field block_count "${info}")" = $((bytes / 65536)) ] || fail "after ${size}: ${info}"
    [ "$(field generation "${info}")" != "$(field generation "${first}")" ] || fail "the generation survived ${size}"
    [ "$(blockdev --getsize64 "$(image "${loop}")")" = "${bytes}" ] || fail "the image's capacity after ${size}"
    sectors check "$(image "${loop}")" 0 8 2 || fail "the image after ${size}"
    first=${info}
    destroy
    sectors fill "${loop}" 128 8 3
    take_of "${loop}"
    info=$(blkctl cbtinfo "${loop}")
    [ "$(field generation "${info}")" = "$(field generation "${first}")" ] || fail "the generation changed without reason"
    byte=$(blkctl cbtmap "${loop}" 1 1 | od -An -tu1 | tr -d ' ')
    [ "${byte}" = "$(field changes "${info}")" ] || fail "block 1 has ${byte}: ${info}"
    destroy
    first=${info}
done
detach "${loop}"
losetup -d "${loop}"
unload
