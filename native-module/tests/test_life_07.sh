# SPDX-License-Identifier: GPL-2.0
# shows: no slab object and no page is lost over many cycles
. "${TESTS}/lib.sh"
if loaded; then
    eject
fi
cycles() {
    local n
    for n in $(seq "$1"); do
        take_of "${DISK}" /dev/vdb
        sectors fill "${DISK}" 0 8192 "${n}"
        sectors fill /dev/vdb 100 8192 "${n}"
        sectors fill "$(image "${DISK}")" 20000 512 "${n}"
        blkctl wait "${ID}" 1 >/dev/null 2>&1
        sectors check "$(image "${DISK}")" 20000 512 "${n}" || fail "image write ${n}"
        destroy
    done
}
round() {
    insert free_diff_buffer_pool_size=0
    attach "${DISK}" /dev/vdb
    cycles "$1"
    detach "${DISK}" /dev/vdb
    eject
}
measure() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    sleep 1
    echo 1 >/proc/sys/vm/compact_memory
    echo 3 >/proc/sys/vm/drop_caches
    sleep 1
    awk 'NR > 2 && $1 ~ /^(kmalloc-|bio-|biovec-|blksnap|request_queue|bdev_cache|percpu|ftrace)/ {print $1, $2 * $4}' /proc/slabinfo | sort >"${PLACE}/slabs.$1"
    awk '/^(MemFree|Percpu|VmallocUsed|SUnreclaim):/ {print $1, $2}' /proc/meminfo >"${PLACE}/memory.$1"
    cat "${PLACE}/memory.$1"
}
round 3 # what is made once and kept
measure before
round "$(scaled 12)"
measure after
grown=0
while read -r name now; do
    was=$(awk -v n="${name}" '$1 == n {print $2}' "${PLACE}/slabs.before")
    more=$((now - ${was:-0}))
    [ "${more}" -le 65536 ] || { echo "${name} grew by ${more} bytes" && grown=$((grown + more)); }
done <"${PLACE}/slabs.after"
[ "${grown}" -lt 1048576 ] || fail "slabs grew by ${grown} bytes"
! grep -q blksnap "${PLACE}/slabs.after" || fail "a slab of the module outlived it"
was=$(awk '/SUnreclaim/ {print $2}' "${PLACE}/memory.before")
now=$(awk '/SUnreclaim/ {print $2}' "${PLACE}/memory.after")
[ $((now - was)) -lt 4096 ] || fail "$((now - was)) KiB of slabs more"
was=$(awk '/MemFree/ {print $2}' "${PLACE}/memory.before")
now=$(awk '/MemFree/ {print $2}' "${PLACE}/memory.after")
# Twelve cycles that keep their 8 MiB of copies would be 100 MiB.
[ $((was - now)) -lt 24576 ] || fail "$((was - now)) KiB of memory less"
