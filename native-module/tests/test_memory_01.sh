# SPDX-License-Identifier: GPL-2.0
# shows: a device that is swapped to is snapshotted: whoever needs memory gets on, and the image holds
. "${TESTS}/lib.sh"
load
swap=/dev/vdb
sectors fill "${swap}" 0 16384 1
mkswap "${swap}" >/dev/null || fail mkswap
before=$(dd if="${swap}" bs=1M count=8 iflag=direct status=none | sha256sum)
swapon "${swap}" || fail swapon
unswap() {
    local status=$?
    ! grep -q "^${swap} " /proc/swaps || swapoff "${swap}"
    return "${status}"
}
trap 'unswap; tidy' EXIT
attach "${swap}"
take_of "${swap}"
[ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 none /sys/fs/cgroup || skip "no cgroup2"
echo +memory >/sys/fs/cgroup/cgroup.subtree_control || skip "no memory controller"
mkdir -p /sys/fs/cgroup/small
echo 32M >/sys/fs/cgroup/small/memory.max
# Four times what it may have, again and again, and each page is what it was.
(within small timeout 120 python3 -) <<'END' || fail "the program that is swapped: $?"
import hashlib
page, count = 4096, 24576
memory = bytearray(page * count)
for turn in range(3):
    for n in range(count):
        memory[n * page:n * page + 8] = (n * 7 + turn).to_bytes(8, 'little')
    for n in range(count):
        if int.from_bytes(memory[n * page:n * page + 8], 'little') != n * 7 + turn:
            raise SystemExit(f'page {n} is not what was written')
END
written=$(awk '{print $7}' /sys/block/vdb/stat)
[ "${written}" -gt 65536 ] || fail "only ${written} sectors were swapped out"
[ "$(image_error "${swap}")" = 0 ] || fail "error code $(image_error "${swap}")"
[ "$(dd if="$(image "${swap}")" bs=1M count=8 iflag=direct status=none | sha256sum)" = "${before}" ] || fail "the image changed"
swapoff "${swap}" || fail swapoff
destroy
detach "${swap}"
unload
