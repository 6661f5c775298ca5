# SPDX-License-Identifier: GPL-2.0
# shows: a write that may not block has its copy begun all the same, so that a later try passes
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 65536 1
load
attach "${DISK}"
take_of "${DISK}"
nowait again "${DISK}" 64 || fail "tried again and again"
sectors check "$(image "${DISK}")" 0 65536 1 || fail "the image"
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}")"
# Destroyed while copies are on their way that nobody waits for.
for sector in $(seq 70000 1024 200000); do
    nowait eagain "${DISK}" "${sector}" || fail "sector ${sector}"
done
destroy
detach "${DISK}"
unload
