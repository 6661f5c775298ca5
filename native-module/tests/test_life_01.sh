# SPDX-License-Identifier: GPL-2.0
# shows: destroy while the device is written, and the image read and written
. "${TESTS}/lib.sh"
load
attach "${DISK}" /dev/vdb
busy_device "${DISK}"
busy_device /dev/vdb
readers() {
    # Until the image is gone.
    while dd if="$1" of=/dev/null bs=64k iflag=direct status=none 2>/dev/null; do :; done
}
for round in $(seq "$(scaled 6)"); do
    take_of "${DISK}" /dev/vdb
    readers "$(image "${DISK}")" &
    one=$!
    fio --name=image --filename="$(image /dev/vdb)" --rw=randrw --bs=4k --ioengine=psync --direct=1 --time_based --runtime=20 \
        --output=/dev/null >/dev/null 2>&1 &
    two=$!
    sleep 0.7
    destroy
    kill "${one}" "${two}" 2>/dev/null
    wait "${one}" "${two}" 2>/dev/null
done
kill -0 "${CHILDREN[0]}" && kill -0 "${CHILDREN[1]}" || fail "a writer ended: a live request failed"
stop_children
detach "${DISK}" /dev/vdb
unload
