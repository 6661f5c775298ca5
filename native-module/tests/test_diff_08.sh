# SPDX-License-Identifier: GPL-2.0
# shows: storage with greater logical blocks than the device can't be used: ENOTBLK, at append, at take, or of the image
. "${TESTS}/lib.sh"
load
attach "${DISK}"
prepare "${DISK}"
if ! words=$(blkctl append "${ID}" /dev/vdl 0:65536 2>&1); then
    [[ ${words} == *": ENOTBLK" ]] || fail "append: ${words}"
    say "refused at append"
elif ! words=$(blkctl take "${ID}" 2>&1); then
    [[ ${words} == *": ENOTBLK" ]] || fail "take: ${words}"
    say "refused at take"
    [ "$(blkctl info "${DISK}")" = "0 " ] || fail "after the refusal: $(blkctl info "${DISK}")"
else
    sectors fill "${DISK}" 0 64 1 || fail "a live write"
    broken() { [ "$(image_error "${DISK}")" != 0 ]; }
    await 10 "the image to be corrupted" broken
    [ "$(image_error "${DISK}")" = -15 ] || fail "error code $(image_error "${DISK}"), expected -15"
    say "corrupted at the first copy"
fi
sectors fill "${DISK}" 0 64 1 || fail "the live device"
destroy
# The other way round it may be used.
attach /dev/vdl
take_of /dev/vdl
sectors fill /dev/vdl 0 64 1
[ "$(image_error /dev/vdl)" = 0 ] || fail "error code $(image_error /dev/vdl)"
destroy
detach "${DISK}" /dev/vdl
unload
