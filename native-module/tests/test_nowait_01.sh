# SPDX-License-Identifier: GPL-2.0
# shows: a write that may not block and has to copy is answered EAGAIN; others pass
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 8192 1
load
nowait passes "${DISK}" 64 || fail "not attached"
attach "${DISK}"
nowait passes "${DISK}" 64 || fail "attached"
take_of "${DISK}"
image=$(image "${DISK}")
nowait eagain "${DISK}" 4096 || fail "held, not copied"
sectors check "${DISK}" 4096 8 1 || fail "the live device after EAGAIN"
sectors check "${image}" 4096 8 1 || fail "the image after EAGAIN"
sectors fill "${DISK}" 4096 8 2
nowait passes "${DISK}" 4096 || fail "held, copied"
sectors check "${image}" 4096 8 1 || fail "the image"
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}")"
destroy
nowait passes "${DISK}" 5000 || fail "after the destroy"
detach "${DISK}"
unload
