# SPDX-License-Identifier: GPL-2.0
# shows: the controlling process is killed at every step: no device stays frozen, the next one finds its way
. "${TESTS}/lib.sh"
load
mkfs.ext4 -q -F "${DISK}" || fail mkfs
mounted "${DISK}" live
attach "${DISK}" /dev/vdb
mkdir "${PLACE}/live/load"
background churn "${PLACE}/live/load"
cycle() {
    take_of "${DISK}" /dev/vdb
    head -c 100000 "$(image "${DISK}")" >/dev/null
    destroy
}
began=$(date +%s%N)
cycle
whole=$((($(date +%s%N) - began) / 1000000))
say "a cycle takes ${whole} ms"
rounds=$(scaled 6)
for round in $(seq "${rounds}"); do
    (trap - TERM EXIT; cycle) &
    pid=$!
    sleep "$(awk -v w="${whole}" -v r="${round}" -v n="${rounds}" 'BEGIN {printf "%.3f", w * r / n / 1000}')"
    # The shell and the call it is in.
    kill -KILL "${pid}" $(ps -o pid= --ppid "${pid}") 2>/dev/null
    wait "${pid}" 2>/dev/null
    timeout 20 dd if=/dev/zero of="${PLACE}/live/after" bs=4k count=10 conv=fsync status=none || fail "round ${round}: the file system is frozen"
    for left in $(blkctl collect); do
        blkctl destroy "${left}" || fail "round ${round}: the snapshot that was left can't be destroyed"
    done
done
# One that waits for events.
prepare "${DISK}"
blkctl wait "${ID}" 1000 >/dev/null
blkctl wait "${ID}" 60000 &
pid=$!
sleep 0.3
kill -KILL "${pid}"
wait "${pid}" 2>/dev/null
destroy
cycle
stop_children
unmounted live
detach "${DISK}" /dev/vdb
unload
