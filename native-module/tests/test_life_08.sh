# SPDX-License-Identifier: GPL-2.0
# shows: another medium of the same size begins a generation, and corrupts an image held of the one before
. "${TESTS}/lib.sh"
load
for file in one other; do
    truncate -s 32M "${PLACE}/${file}"
done
loop=$(losetup -f --show "${PLACE}/one")
sectors fill "${loop}" 0 65536 1
attach "${loop}"
take_of "${loop}"
destroy
before=$(field generation "$(blkctl cbtinfo "${loop}")")
losetup -d "${loop}"
losetup "${loop}" "${PLACE}/other" || fail "losetup"
take_of "${loop}"
after=$(field generation "$(blkctl cbtinfo "${loop}")")
[ -n "${before}" ] && [ "${before}" != "${after}" ] || fail "the generation went on: ${before}, ${after}"
# Now while it is held.
sectors fill "${loop}" 0 8 2
losetup -d "${loop}"
losetup "${loop}" "${PLACE}/one" || fail "losetup"
dd if="$(image "${loop}")" of=/dev/null bs=4k skip=1000 count=1 iflag=direct status=none 2>/dev/null && fail "an image of two media was read"
[ "$(image_error "${loop}")" != 0 ] || fail "the image is not said to be corrupted"
sectors fill "${loop}" 0 8 3 || fail "the live write"
destroy
detach "${loop}"
losetup -d "${loop}"
unload
