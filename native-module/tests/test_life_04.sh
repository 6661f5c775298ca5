# SPDX-License-Identifier: GPL-2.0
# shows: a filter is attached and detached under load, and while a snapshot is held is not lost by accident
. "${TESTS}/lib.sh"
load
busy_device "${DISK}"
for round in $(seq "$(scaled 30)"); do
    attach "${DISK}"
    detach "${DISK}"
done
attach "${DISK}"
take_of "${DISK}"
image=$(image "${DISK}")
sum=$(head -c 1000000 "${image}" | sha256sum)
if blkctl detach "${DISK}" 2>/dev/null; then
    # Then the image may not pretend to be whole.
    sleep 0.5
    echo 3 >/proc/sys/vm/drop_caches
    if [ "$(head -c 1000000 "${image}" 2>/dev/null | sha256sum)" = "${sum}" ]; then
        say "detached; the image reads on"
        fail "an image without a filter pretends to be whole"
    fi
    say "detached; the image is corrupted"
    destroy
else
    say "detach is refused while held"
    destroy
    detach "${DISK}"
fi
kill -0 "${CHILDREN[0]}" || fail "the writer ended: a live request failed"
stop_children
unload
