# SPDX-License-Identifier: GPL-2.0
#
# The guest's half of perf.sh; lib.sh is sourced.
REGION=16 # MiB that are written

perf_fio() {
    fio --name=perf --filename="${DISK}" --bs=4k --size="${REGION}M" --ioengine=libaio --iodepth=8 --direct=1 "$@"
}

# once KIND : IOPS of 4 KiB at random over the region, each place once
once() {
    perf_fio --rw="rand$1" --output-format=terse --terse-version=3 |
        awk -F';' -v kind="$1" '/^3;/ {printf "%.0f\n", kind == "read" ? $8 : $49}'
}

now() {
    sed 's/\.//' /proc/uptime | awk '{print $1}'
}

# window : writes a second that the disk ended in the next PERF_SECONDS
window() {
    local from ended
    from=$(now)
    ended=$(awk '{print $5}' "/sys/block/${DISK##*/}/stat")
    sleep "${PERF_SECONDS}"
    echo $((($(awk '{print $5}' "/sys/block/${DISK##*/}/stat") - ended) * 100 / ($(now) - from)))
}

quartiles() {
    tr ' ' '\n' <<<"$*" | sort -n | awk '{v[NR] = $1} END {printf "%.3f %.3f %.3f\n", v[int((NR + 3) / 4)], v[int((NR + 1) / 2)], v[int((3 * NR + 3) / 4)]}'
}

# ratio N D… : N as a part of the mean of the others
ratio() {
    awk -v n="$1" 'BEGIN {for (i = 2; i < ARGC; i++) d += ARGV[i]; printf "%.4f\n", n * (ARGC - 2) / d}' "$@"
}

sectors fill "${DISK}" 0 $((REGION * 2048)) 1
sectors fill "${STORAGE}" 0 $((REGION * 4096)) 1

# One fio runs through it all. Each window is compared with the two of the other state next to it.
background perf_fio --rw=randwrite --norandommap --time_based --runtime=36000 --output=/dev/null
sleep 3
loaded=() attached=() copied=()
before=$(window)
for round in $(seq 10); do
    insert
    with=$(window)
    eject
    after=$(window)
    loaded+=("$(ratio "${with}" "${before}" "${after}")")
    before=${after}
done
say "loaded $(quartiles "${loaded[@]}") of none"
insert
before=$(window)
for round in $(seq "${PERF_ROUNDS}"); do
    attach "${DISK}"
    passing=$(window)
    detach "${DISK}"
    after=$(window)
    attached+=("$(ratio "${passing}" "${before}" "${after}")")
    before=${after}
done
say "attached $(quartiles "${attached[@]}") of loaded"
for round in $(seq $((PERF_ROUNDS / 4))); do
    attach "${DISK}"
    take_of "${DISK}"
    sectors fill "${DISK}" 0 $((REGION * 2048)) 2
    again=$(window)
    destroy
    detach "${DISK}"
    after=$(window)
    copied+=("$(ratio "${again}" "${before}" "${after}")")
    before=${after}
done
stop_children

first=()
for round in 1 2 3 4 5; do
    reads=$(once read)
    plain=$(once write)
    attach "${DISK}"
    take_of "${DISK}"
    touched=$(once write)
    destroy
    detach "${DISK}"
    plain2=$(once write)
    echo "round ${round}: read ${reads}, write ${plain} and ${plain2}, first touch ${touched} IOPS"
    first+=("$(awk -v f="${touched}" -v r="${reads}" -v a="${plain}" -v b="${plain2}" 'BEGIN {printf "%.4f\n", (1 / f) / (1 / r + 1 / a + 1 / b)}')")
done
echo "quartiles:"
echo "loaded    $(quartiles "${loaded[@]}") of none"
echo "attached  $(quartiles "${attached[@]}") of loaded"
echo "copied    $(quartiles "${copied[@]}") of loaded"
echo "first     $(quartiles "${first[@]}") of the time of a read and two writes of the same (goal 1.00 or less)"
awk -v l="$(quartiles "${loaded[@]}")" -v a="$(quartiles "${attached[@]}")" -v c="$(quartiles "${copied[@]}")" 'BEGIN {
    split(l, ls); split(a, as); split(c, cs)
    printf "attached  %.3f of none (goal 0.98)\ncopied    %.3f of none (goal 0.95)\n", ls[2] * as[2], ls[2] * cs[2]
}'
