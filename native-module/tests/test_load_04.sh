# SPDX-License-Identifier: GPL-2.0
# shows: loading and unloading under load: no request is lost
. "${TESTS}/lib.sh"
if loaded; then
    eject
fi
busy_device "${DISK}"
busy_device /dev/vdb
for round in $(seq "$(scaled 4)"); do
    insert
    attach "${DISK}"
    sleep 0.1
    detach "${DISK}"
    eject
done
kill -0 "${CHILDREN[0]}" && kill -0 "${CHILDREN[1]}" || fail "a writer ended: a request failed"
