# SPDX-License-Identifier: GPL-2.0
# shows: stored copies that can't be read again answer EIO and hurt nobody else
. "${TESTS}/lib.sh"
sectors fill "${DISK}" 0 32768 1
made_dm storage "0 200000 linear ${STORAGE} 0"
load chunk_maximum_in_queue=1 free_diff_buffer_pool_size=0
attach "${DISK}"
prepare "${DISK}"
blkctl append "${ID}" /dev/mapper/storage 0:200000 || fail append
blkctl take "${ID}" || fail take
image=$(image "${DISK}")
sectors fill "${DISK}" 0 16384 2
# What is stored can be seen on the storage: wait until it stands still.
still() {
    local stat was now
    stat=/sys/dev/block/$(stat -L -c '%Hr:%Lr' /dev/mapper/storage)/stat
    was=$(awk '{print $7}' "${stat}")
    sleep 1
    now=$(awk '{print $7}' "${stat}")
    [ "${now}" -gt 8192 ] && [ "${was}" = "${now}" ]
}
await 20 "the copies to be stored" still
sectors check "${image}" 0 32768 1 || fail "the image before"
dmsetup load storage --table "0 200000 error" && dmsetup resume --noudevsync storage || fail "dmsetup load"
if sectors check "${image}" 0 16384 1 2>/dev/null; then
    fail "stored copies are read from a failed device"
fi
sectors fill "${DISK}" 0 32768 3 || fail "live writes"
sectors check "${DISK}" 0 32768 3 || fail "live"
destroy
detach "${DISK}"
unload
