# SPDX-License-Identifier: GPL-2.0
# shows: logical blocks of 4096 bytes: the image has them too, and holds
. "${TESTS}/lib.sh"
disk=/dev/vdl
sectors fill "${disk}" 0 32768 1
load
attach "${disk}"
# vdj's blocks are smaller than the disk's, which is allowed.
take_of "${disk}"
image=$(image "${disk}")
[ "$(blockdev --getss "${image}")" = 4096 ] || fail "the image has logical blocks of $(blockdev --getss "${image}")"
[ "$(blockdev --getpbsz "${image}")" = "$(blockdev --getpbsz "${disk}")" ] || fail "the image has physical blocks of $(blockdev --getpbsz "${image}")"
[ "$(blockdev --getsize64 "${image}")" = "$(blockdev --getsize64 "${disk}")" ] || fail "the image's capacity"
sectors fill "${disk}" 0 8 2
sectors fill "${disk}" 504 16 2
sectors fill "${disk}" 32760 8 2
sectors check "${image}" 0 32768 1 || fail "the image"
sectors fill "${image}" 1024 8 3
sectors check "${image}" 1024 8 3 || fail "image write"
sectors check "${image}" 1032 1024 1 || fail "behind the image write"
sectors check "${disk}" 1024 8 1 || fail "live"
destroy
detach "${disk}"
unload
