# SPDX-License-Identifier: GPL-2.0
# shows: a limit of cgroup v1's root group on the storage, which is snapshotted itself: the store worker's writes are told there as well
. "${TESTS}/lib.sh"
at=${PLACE}/blkio
if [ -e /sys/fs/cgroup/cgroup.procs ]; then
    echo -io >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
    umount /sys/fs/cgroup || skip "cgroup2 is in use"
fi
mkdir -p "${at}"
mount -t cgroup -o blkio none "${at}" || skip "no blkio controller of cgroup v1"
released() {
    local status=$?
    echo "$(stat -c '%Hr:%Lr' "${STORAGE}") 0" >"${at}/blkio.throttle.write_bps_device"
    umount "${at}"
    return "${status}"
}
trap 'released; tidy' EXIT
[ -e "${at}/blkio.throttle.write_bps_device" ] || skip "no throttle in the root group"
load
sectors fill "${DISK}" 0 65536 1
attach "${DISK}" "${STORAGE}"
# The storage's first half holds what is snapshotted of it, its second half the copies.
half=$(($(sectors size "${STORAGE}") / 2))
prepare "${DISK}" "${STORAGE}"
blkctl append "${ID}" "${STORAGE}" "${half}:$((half - 8))" || fail append
blkctl take "${ID}" || fail take
echo "$(stat -c '%Hr:%Lr' "${STORAGE}") 4194304" >"${at}/blkio.throttle.write_bps_device" || fail "the limit"
before=$(awk '{print $7}' "/sys/block/${STORAGE#/dev/}/stat")
number=$(field changes "$(blkctl cbtinfo "${STORAGE}")")
sectors fill "${DISK}" 0 16384 2
# 8 MiB of copies at 4 MiB a second.
written() { [ "$(($(awk '{print $7}' "/sys/block/${STORAGE#/dev/}/stat") - before))" -ge 16384 ]; }
await 30 "the copies to be stored" written
sleep 5
marked=$(blkctl cbtmap "${STORAGE}" | od -An -v -tu1 -w1 | awk -v n="${number}" '$1 > n {count++} END {print count + 0}')
say "${marked} blocks of the storage are marked as changed"
[ "${marked}" = 0 ] || fail "${marked} blocks of the storage are marked as changed by the store worker"
sectors check "$(image "${DISK}")" 0 65536 1 || fail "the image"
destroy
detach "${DISK}" "${STORAGE}"
unload
