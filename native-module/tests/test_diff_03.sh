# SPDX-License-Identifier: GPL-2.0
# shows: storage that grows while held, as the events ask
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 131072 1
load diff_storage_minimum=32768
attach "${DISK}"
prepare "${DISK}"
background blkctl feed "${ID}" "${STORAGE}" 0 2097152 5000 >"${PLACE}/fed"
given() { [ "$(grep -c gave "${PLACE}/fed")" -ge "$1" ]; }
await 10 "the first portion" given 1
grep -q '^low_free_space 32768$' "${PLACE}/fed" || fail "the first event: $(head -n 1 "${PLACE}/fed")"
blkctl take "${ID}" || fail take
image=$(image "${DISK}")
for part in $(seq 0 15); do
    sectors fill "${DISK}" $((part * 8192)) 8192 2
    sleep 0.2
done
sectors check "${image}" 0 131072 1 || fail "the image"
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}"): the storage did not grow in time"
events=$(grep -c low_free_space "${PLACE}/fed")
[ "${events}" -ge 4 ] || fail "only ${events} events: $(cat "${PLACE}/fed")"
destroy
await 10 "the feeder's end" grep -q '^end ESRCH$' "${PLACE}/fed"
detach "${DISK}"
unload
