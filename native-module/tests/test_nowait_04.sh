# SPDX-License-Identifier: GPL-2.0
# shows: a polled io_uring writer gets on under a held snapshot
. "${TESTS}/lib.sh"
made_null polled size=64 poll_queues=1
disk=${NULL_DISK}
sectors fill "${disk}" 0 32768 1
load
attach "${disk}"
take_of "${disk}"
timeout 60 fio --name=polled --filename="${disk}" --rw=write --bs=4k --ioengine=io_uring --hipri --iodepth=4 --direct=1 --size=4M \
    --output="${PLACE}/fio" || fail "fio: $(tail -n 3 "${PLACE}/fio")"
sectors check "$(image "${disk}")" 0 32768 1 || fail "the image"
destroy
detach "${disk}"
unload
