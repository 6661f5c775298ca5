# SPDX-License-Identifier: GPL-2.0
# shows: storage with greater logical blocks than the device is refused with ENOTBLK, at append or at take
. "${TESTS}/lib.sh"
load
attach "${DISK}"
prepare "${DISK}"
if words=$(blkctl append "${ID}" /dev/vdl 0:65536 2>&1); then
    refuses ENOTBLK blkctl take "${ID}"
    say "refused at take"
else
    [[ ${words} == *": ENOTBLK" ]] || fail "append: ${words}"
fi
[ "$(blkctl info "${DISK}")" = "0 " ] || fail "after the refusal: $(blkctl info "${DISK}")"
sectors fill "${DISK}" 0 64 1 || fail "the live device after the refusal"
destroy
# The other way round it may be used.
attach /dev/vdl
take_of /dev/vdl
sectors fill /dev/vdl 0 64 1
destroy
detach "${DISK}" /dev/vdl
unload
