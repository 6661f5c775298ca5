# SPDX-License-Identifier: GPL-2.0
# shows: memory kept for reuse goes back when others need it
. "${TESTS}/lib.sh"
# Many are in memory at a time, and so many are kept; far more than the lists of the CPUs hide.
load chunk_maximum_in_queue=200
free_now() { awk '/^MemFree:/ {print $2}' /proc/meminfo; }
dropped() { # prints by how many KiB dropping slabs, and what shrinkers have, makes more memory free
    local before
    before=$(free_now)
    echo 2 >/proc/sys/vm/drop_caches
    sleep 0.5
    echo $(($(free_now) - before))
}
attach "${DISK}"
take_of "${DISK}"
sync
for n in 1 2 3 4; do
    echo 3 >/proc/sys/vm/drop_caches
    sleep 0.5
done
nothing=$(dropped)
# Whole chunks are copied and stored: then 128 chunks of 256 KiB are kept.
fio --name=copies --filename="${DISK}" --rw=write --bs=256k --size=64M --direct=1 --ioengine=psync --output=/dev/null || fail fio
sleep 2
kept=$(dropped)
say "${nothing} KiB were given back before, ${kept} KiB afterwards"
[ $((kept - nothing)) -gt 8192 ] || fail "nothing was given back: ${kept} KiB, ${nothing} KiB before there were copies"
fio --name=copies --filename="${DISK}" --rw=write --bs=256k --offset=64M --size=16M --direct=1 --ioengine=psync --output=/dev/null || fail fio
[ "$(image_error "${DISK}")" = 0 ] || fail "error code $(image_error "${DISK}")"
destroy
detach "${DISK}"
unload
