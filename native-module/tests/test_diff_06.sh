# SPDX-License-Identifier: GPL-2.0
# shows: storage that fails to be written corrupts the image, never the live write
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 32768 1
made_dm storage "0 100000 linear ${STORAGE} 0"
load
attach "${DISK}"
prepare "${DISK}"
blkctl append "${ID}" /dev/mapper/storage 0:100000 || fail append
blkctl take "${ID}" || fail take
image=$(image "${DISK}")
sectors fill "${DISK}" 0 512 2
sectors check "${image}" 0 32768 1 || fail "the image before"
dmsetup load storage --table "0 100000 error" && dmsetup resume --noudevsync storage || fail "dmsetup load"
sectors fill "${DISK}" 1024 31744 2 || fail "live writes"
broken() { [ "$(image_error "${DISK}")" != 0 ]; }
await 20 "the failure to be noticed" broken
[ "$(image_error "${DISK}")" = -5 ] || fail "error code $(image_error "${DISK}"), expected -5"
if sectors check "${image}" 0 8 1 2>/dev/null; then
    fail "a corrupted image is read"
fi
sectors check "${DISK}" 1024 31744 2 || fail "live"
blkctl wait "${ID}" 1000 >"${PLACE}/event" 2>&1
blkctl wait "${ID}" 1000 >>"${PLACE}/event" 2>&1
grep -q "^corrupted .* 5$" "${PLACE}/event" || fail "no event of corruption: $(cat "${PLACE}/event")"
destroy
detach "${DISK}"
unload
dmsetup remove --noudevsync storage || fail "the storage is still held"
