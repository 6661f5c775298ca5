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
# Stores that have ended. They come in batches, one behind the other.
stored() { awk '{print $5}' "${stat}"; }
some() { [ "$(stored)" -gt 0 ]; }
prepare "${DISK}"
id=${ID}
blkctl append "${id}" "${slow}" 0:65536 || fail append
blkctl take "${id}" || fail take
background sectors fill "${DISK}" 0 32768 2
await 20 "the first stores" some
sleep 0.3
before=$(stored)
# Each writes how many stores had ended when it was answered.
listen() {
    while blkctl wait "${id}" 20000 >/dev/null 2>"${PLACE}/heard"; do :; done
    stored >"${PLACE}/by.events"
}
destroy_again() {
    blkctl destroy "${id}" >/dev/null 2>"${PLACE}/again"
    stored >"${PLACE}/by.destroy"
}
look() {
    while blkctl collect | grep -q "${id}"; do sleep 0.02; done
    stored >"${PLACE}/by.list"
}
listen &
listener=$!
blkctl destroy "${id}" &
first=$!
sleep 0.3
kill -0 "${first}" 2>/dev/null || fail "the destruction did not wait for the stores"
destroy_again &
second=$!
look &
looker=$!
wait "${first}" || fail destroy
wait "${second}" "${listener}" "${looker}"
sleep 4
after=$(stored)
say "${before} stores before the destruction, ${after} in all"
[ "${after}" -gt "${before}" ] || fail "no store was under way"
for how in events destroy list; do
    [ "$(cat "${PLACE}/by.${how}")" = "${after}" ] ||
        fail "told by ${how} after $(cat "${PLACE}/by.${how}") stores of ${after}"
done
grep -q ': ESRCH$' "${PLACE}/heard" || fail "events: $(cat "${PLACE}/heard")"
grep -q ': ENODEV$' "${PLACE}/again" || fail "the second destruction: $(cat "${PLACE}/again")"
ID=
await 30 "the writer" eval '! kill -0 "${CHILDREN[0]}" 2>/dev/null'
stop_children
detach "${DISK}"
unload
