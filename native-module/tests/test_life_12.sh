# SPDX-License-Identifier: GPL-2.0
# shows: who is told that a snapshot is gone, by a second destruction, the list or its events, finds its storage at rest
. "${TESTS}/lib.sh"
load
modprobe dm-delay || skip "no dm-delay"
attach "${DISK}"
made_dm slow "0 65536 delay /dev/vdd 0 0 /dev/vdd 0 3000"
slow=/dev/mapper/slow
stat=/sys/dev/block/$(dmsetup info -c --noheadings --separator : -o major,minor slow)/stat
[ -r "${stat}" ] || fail "there is no ${stat}"
in_flight() { awk '{print $9}' "${stat}"; }
stores() { [ "$(in_flight)" -gt 0 ]; }
prepare "${DISK}"
id=${ID}
blkctl append "${id}" "${slow}" 0:65536 || fail append
blkctl take "${id}" || fail take
background sectors fill "${DISK}" 0 32768 2
await 20 "stores under way" stores
# Each writes how many stores were under way when it was answered.
listen() {
    while blkctl wait "${id}" 20000 >/dev/null 2>"${PLACE}/heard"; do :; done
    in_flight >"${PLACE}/by.events"
}
destroy_again() {
    blkctl destroy "${id}" >/dev/null 2>"${PLACE}/again"
    in_flight >"${PLACE}/by.destroy"
}
look() {
    while blkctl collect | grep -q "${id}"; do sleep 0.02; done
    in_flight >"${PLACE}/by.list"
}
listen &
listener=$!
blkctl destroy "${id}" &
first=$!
sleep 0.3
stores || fail "the stores ended too soon: $(in_flight)"
kill -0 "${first}" 2>/dev/null || fail "the destruction did not wait for the stores"
destroy_again &
second=$!
look &
looker=$!
wait "${first}" || fail destroy
wait "${second}" "${listener}" "${looker}"
for how in events destroy list; do
    [ "$(cat "${PLACE}/by.${how}")" = 0 ] || fail "told by ${how} with $(cat "${PLACE}/by.${how}") stores under way"
done
grep -q ': ESRCH$' "${PLACE}/heard" || fail "events: $(cat "${PLACE}/heard")"
grep -q ': ENODEV$' "${PLACE}/again" || fail "the second destruction: $(cat "${PLACE}/again")"
ID=
await 30 "the writer" eval '! kill -0 "${CHILDREN[0]}" 2>/dev/null'
stop_children
detach "${DISK}"
unload
