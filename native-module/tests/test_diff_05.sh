# SPDX-License-Identifier: GPL-2.0
# shows: overflow: the image answers EIO, one event says ENOSPC, the live device works on
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 65536 1
load diff_storage_minimum=8192
attach "${DISK}"
prepare "${DISK}"
blkctl wait "${ID}" 1000 >/dev/null
blkctl append "${ID}" "${STORAGE}" 0:8192 || fail append
blkctl take "${ID}" || fail take
image=$(image "${DISK}")
sectors check "${image}" 0 4096 1 || fail "the image before"
sectors fill "${DISK}" 0 32768 2 || fail "live writes"
overflown() { [ "$(image_error "${DISK}")" != 0 ]; }
await 20 "the overflow" overflown
[ "$(image_error "${DISK}")" = -28 ] || fail "error code $(image_error "${DISK}"), expected -28"
if sectors check "${image}" 40000 8 1 2>/dev/null; then
    fail "a corrupted image is read"
fi
if sectors fill "${image}" 40000 8 1 2>/dev/null; then
    fail "a corrupted image is written"
fi
sectors fill "${DISK}" 32768 32768 2 || fail "live writes after the overflow"
sectors check "${DISK}" 0 65536 2 || fail "live"
for try in 1 2 3 4; do
    blkctl wait "${ID}" 1000
done >"${PLACE}/events" 2>/dev/null
number=$(grep -c corrupted "${PLACE}/events")
major_minor=$(stat -c '%Hr:%Lr' "${DISK}")
[ "${number}" = 1 ] || fail "${number} events of corruption: $(cat "${PLACE}/events")"
grep -q "^corrupted ${major_minor} 28$" "${PLACE}/events" || fail "the event: $(cat "${PLACE}/events")"
destroy
# The tracker is well, and so is the next snapshot.
take_of "${DISK}"
sectors fill "${DISK}" 0 64 3
sectors check "$(image "${DISK}")" 0 65536 2 || fail "the next image"
destroy
detach "${DISK}"
unload
