# SPDX-License-Identifier: GPL-2.0
# shows: storage that grows while held, as the events ask
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 131072 1
load diff_storage_minimum=16384
attach "${DISK}"
prepare "${DISK}"
background blkctl feed "${ID}" "${STORAGE}" 0 2097152 5000 >"${PLACE}/fed"
given() { [ "$(grep -c gave "${PLACE}/fed")" -ge "$1" ]; }
await 10 "the first portion" given 1
grep -q '^low_free_space 16384$' "${PLACE}/fed" || fail "the first event: $(head -n 1 "${PLACE}/fed")"
blkctl take "${ID}" || fail take
image=$(image "${DISK}")
for part in 0 1 2 3 4 5 6 7; do
    sectors fill "${DISK}" $((part * 16384)) 16384 2
    sleep 0.3
done
sectors check "${image}" 0 131072 1 || fail "the image"
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}"): the storage did not grow in time"
events=$(grep -c low_free_space "${PLACE}/fed")
[ "${events}" -ge 8 ] || fail "only ${events} events: $(cat "${PLACE}/fed")"
destroy
await 10 "the feeder's end" grep -q '^end ESRCH$' "${PLACE}/fed"
detach "${DISK}"
unload
