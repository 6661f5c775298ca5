# SPDX-License-Identifier: GPL-2.0
#
# The guest's half of perf.sh; lib.sh is sourced.
REGION=64 # MiB that are written

# measured READ|WRITE [OPTION…] : IOPS of one run on the disk
measured() {
    local kind=$1
    shift
    fio --name=perf --filename="${DISK}" --rw="rand${kind}" --bs=4k --size="${REGION}M" --ioengine=libaio --iodepth=8 --direct=1 \
        --norandommap --randrepeat=0 --output-format=terse --terse-version=3 "$@" |
        awk -F';' -v kind="${kind}" '/^3;/ {printf "%.0f\n", kind == "read" ? $8 : $49}'
}

timed() {
    measured "$@" --time_based --runtime="${PERF_SECONDS}"
}

# Every 4 KiB once, in random order, so that each write is the first to its place; IOPS.
once() {
    fio --name=perf --filename="${DISK}" --rw=randwrite --bs=4k --size="${REGION}M" --ioengine=libaio --iodepth=8 --direct=1 \
        --output-format=terse --terse-version=3 | awk -F';' '/^3;/ {printf "%.0f\n", $49}'
}

median() {
    tr ' ' '\n' <<<"$*" | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}

sectors fill "${DISK}" 0 $((REGION * 2048)) 1
sectors fill "${STORAGE}" 0 $((REGION * 4096)) 1
none=() reads=() attached=() copied=() first=() plain=()
timed write >/dev/null
for round in $(seq "${PERF_ROUNDS}"); do
    none+=("$(timed write)")
    reads+=("$(timed read)")
    plain+=("$(once)")
    insert
    attach "${DISK}"
    attached+=("$(timed write)")
    take_of "${DISK}"
    first+=("$(once)")
    sleep 1
    copied+=("$(timed write)")
    destroy
    detach "${DISK}"
    eject
    none+=("$(timed write)")
done
echo "IOPS  none ${none[*]}"
echo "      reads ${reads[*]}"
echo "      once ${plain[*]}"
echo "      attached ${attached[*]}"
echo "      first ${first[*]}"
echo "      copied ${copied[*]}"
awk -v n="$(median "${none[@]}")" -v r="$(median "${reads[@]}")" -v p="$(median "${plain[@]}")" -v a="$(median "${attached[@]}")" \
    -v f="$(median "${first[@]}")" -v c="$(median "${copied[@]}")" 'BEGIN {
    printf "attached  %.3f of none (goal 0.98)\n", a / n
    printf "copied    %.3f of none (goal 0.95)\n", c / n
    printf "first     %.3f of the time of a read and two writes of the same (goal 1.00 or less); %.3f of none\n", (1 / f) / (1 / r + 2 / p), f / p
}'
