# SPDX-License-Identifier: GPL-2.0
# shows: io_uring writes, which are tried without waiting first, all arrive, and the image holds
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 65536 1
load
attach "${DISK}"
nowait uring "${DISK}" 64 || fail "attached"
sectors fill "${DISK}" 0 65536 1
take_of "${DISK}"
nowait uring "${DISK}" 64 || fail "held"
sectors check "$(image "${DISK}")" 0 65536 1 || fail "the image"
# Many at once, of two processes.
fio --name=ring --filename="${DISK}" --rw=randwrite --bs=4k --ioengine=io_uring --iodepth=16 --numjobs=2 --direct=1 --size=32M \
    --number_ios=800 --verify=crc32c --do_verify=0 --output="${PLACE}/fio" || fail "fio: $(tail -n 3 "${PLACE}/fio")"
sectors check "$(image "${DISK}")" 0 65536 1 || fail "the image after fio"
destroy
detach "${DISK}"
unload
