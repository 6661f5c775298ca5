# SPDX-License-Identifier: GPL-2.0
# shows: writes that a cgroup's limits hold back are waited for by nobody: not by a take, not by a neighbour; and none is missed
. "${TESTS}/lib.sh"
load
sectors fill "${DISK}" 0 131072 1
region=$((64 << 20))
backlog() { # LIMIT BLOCK DEPTH
    limits slow "${DISK}" "$1"
    background within slow fio --name=slow --filename="${DISK}" --size="${region}" --rw=randwrite --bs="$2" --ioengine=libaio \
        --iodepth="$3" --direct=1 --time_based --runtime=600 --randrepeat=0 --output=/dev/null
    sleep 3
}
released() {
    limits slow "${DISK}" wbps=max wiops=max
    sleep 1
    stop_children
}
# The blocks in which two images differ are marked as changed since the first.
marked() { # IMAGE IMAGE MAP NUMBER
    python3 - "$@" <<'END'
import sys
one, two, marks = (open(name, 'rb').read() for name in sys.argv[1:4])
number = int(sys.argv[4])
size = 65536
changed = [b for b in range(len(one) // size) if one[b * size:(b + 1) * size] != two[b * size:(b + 1) * size]]
missed = [b for b in changed if marks[b] <= number]
print(f'{len(changed)} blocks changed, {len(missed)} of them are not marked: {missed[:8]}')
sys.exit(not changed or bool(missed))
END
}
copied() { dd if="$(image "${DISK}")" of="$1" bs=1M count=64 iflag=direct status=none || fail "the image"; }
# take_quickly DEVICE… : a take among writers, and how long it took.
take_quickly() {
    local began
    prepare "$@"
    blkctl append "${ID}" "${STORAGE}" "0:$(sectors size "${STORAGE}")" || fail append
    began=$(milliseconds)
    blkctl take "${ID}" || fail "take with ${what}"
    began=$(($(milliseconds) - began))
    say "${what}: taken in ${began} ms"
    [ "${began}" -lt $((1000 * SCALE)) ] || fail "the take took ${began} ms"
}
while read -r limit block depth; do
    what="${limit}, ${block}"
    backlog "${limit}" "${block}" "${depth}"
    # The backlog was there before the filter was.
    attach "${DISK}" /dev/vdb
    fio --name=neighbour --filename=/dev/vdb --size=16M --rw=randwrite --bs=4k --ioengine=psync --direct=1 --time_based --runtime=6 \
        --output-format=json --output="${PLACE}/neighbour" &
    neighbour=$!
    sleep 1
    take_quickly "${DISK}" /dev/vdb
    copied "${PLACE}/one"
    sleep 2
    echo 3 >/proc/sys/vm/drop_caches
    copied "${PLACE}/again"
    cmp "${PLACE}/one" "${PLACE}/again" || fail "${what}: the image changed: a write from before the take came after it"
    number=$(field changes "$(blkctl cbtinfo "${DISK}")")
    wait "${neighbour}" || fail "the neighbour"
    destroy
    take_quickly "${DISK}" /dev/vdb
    copied "${PLACE}/two"
    blkctl cbtmap "${DISK}" >"${PLACE}/map"
    marked "${PLACE}/one" "${PLACE}/two" "${PLACE}/map" "${number}" || fail "${what}: changes were missed"
    destroy
    released
    detach "${DISK}" /dev/vdb
    longest=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["jobs"][0]["write"]["clat_ns"]["max"] // 1000000)' "${PLACE}/neighbour")
    say "${what}: the neighbour's longest write took ${longest} ms"
    [ "${longest}" -lt $((1000 * SCALE)) ] || fail "a neighbour's write took ${longest} ms"
done <<'END'
wbps=1048576 64k 64
wiops=8 1024k 16
END
unload
