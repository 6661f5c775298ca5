#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The guest's part of run.sh. Each test is a function test_…; they stand in the order they run in, and each goes on from
# where the one before ended. The first that fails ends the run: what stands on it would prove nothing.
set -uo pipefail
work=/run/nodes
live=/mnt/live
image=/mnt/image
jvm=
passed=0
failed=0
skipped=0

say() { echo "     | $*"; }
fail() {
    say "$*"
    return 1
}

# start: a JVM on the directory; its orders are written to descriptor 5, its answers read from 6.
start() {
    rm -f "${work}/orders" "${work}/answers"
    mkfifo "${work}/orders" "${work}/answers"
    "${JAVA}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx192m -Djava.io.tmpdir="${work}" \
        -Dorg.slf4j.simpleLogger.showThreadName=false -cp "${CLASS_PATH}" \
        org.blksnap.itests.nodes.NodeMachine "${work}/engine" \
        <"${work}/orders" >"${work}/answers" 2>>"${work}/log" &
    jvm=$!
    exec 5>"${work}/orders" 6<"${work}/answers"
    local hello
    IFS= read -r -t 90 -u 6 hello || { tail -n 20 "${work}/log" && fail "the JVM did not start"; return 1; }
    [ "${hello% *}" = ok ] || fail "the JVM says: ${hello}"
}

murder() {
    kill -KILL "${jvm}"
    wait "${jvm}" 2>/dev/null
    exec 5>&- 6<&-
}

stop() {
    exec 5>&-
    wait "${jvm}"
    local status=$?
    exec 6<&-
    return "${status}"
}

# ask ORDER: prints the answer without its first word; false where it was refused.
ask() {
    local answer
    echo "$*" >&5
    IFS= read -r -t 120 -u 6 answer || { echo "no answer to: $*" && return 1; }
    echo "${answer#* }"
    [ "${answer%% *}" = ok ]
}

# refused ERRNO ORDER: it has to be.
refused() {
    local errno=$1 answer
    shift
    if answer=$(ask "$@"); then
        fail "'$*' was not refused: ${answer}"
    else
        [ "${answer%% *}" = "${errno}" ] || fail "'$*' refused otherwise than ${errno}: ${answer}"
    fi
}

# within SECONDS COMMAND: true once it is.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "${SECONDS}" -lt "${end}" ] || return 1
        sleep 0.2
    done
}

in_state() { ask list | tr ';' '\n' | grep -q "^ *$1 .* $2 "; }
io_errors() { dmesg | grep -E 'I/O error, dev nbd|Buffer I/O error on dev nbd|EXT4-fs error|EXT4-fs \(nbd.*\): (error|shut)'; }

test_without_the_module_it_says_modprobe() {
    modprobe -r nbd 2>/dev/null
    start || return 1
    ask disk disk 160 >/dev/null || return 1
    local said
    said=$(ask connect disk) && { fail "connected: ${said}"; return 1; }
    grep -q 'ENODEV.*modprobe nbd' <<<"${said}" || fail "${said}"
}

test_the_module_loaded_later_is_found() {
    modprobe nbd || return 77
    refused ENOENT connect nothing || return 1
    refused EINVAL connect disk node=/dev/vda || return 1
    refused EINVAL connect disk connections=17
}

test_a_device_is_a_block_device() {
    local said
    said=$(ask connect disk node=/dev/nbd3 timeout=300) || { fail "${said}"; return 1; }
    [ "$(blockdev --getsize64 /dev/nbd3)" = $((160 << 20)) ] || { fail "size $(blockdev --getsize64 /dev/nbd3)"; return 1; }
    grep -q '^blksnap-1 .* device 1 300 disk ' /sys/block/nbd3/backend || { fail "$(cat /sys/block/nbd3/backend)"; return 1; }
    refused EALREADY connect disk || return 1
    mkfs.ext4 -q /dev/nbd3 && mkdir -p "${live}" "${image}" && mount /dev/nbd3 "${live}"
}

test_what_is_written_arrives() {
    head -c 1000000 /dev/urandom >"${live}/first" && sync -f "${live}" || return 1
    e2fsck -fn "${work}/engine/disks/disk" >/dev/null 2>&1
    debugfs -R "dump /first ${work}/dumped" "${work}/engine/disks/disk" >/dev/null 2>&1
    cmp "${live}/first" "${work}/dumped"
}

test_a_node_in_use_is_not_disconnected() {
    refused EBUSY disconnect /dev/nbd3 && refused EBUSY disconnect disk
}

test_a_node_of_others_is_left_alone() {
    ask disk other 16 >/dev/null || return 1
    refused EBUSY connect other node=nbd3
}

test_storage_on_its_own_export_is_refused() {
    mkdir -p "${live}/storage"
    refused EINVAL append disk "${live}/storage"
}

# Nearly all memory is taken, and what is dirty on the node is as much as what is left: its pages are stored by a JVM that
# needs memory itself.
test_short_memory_stops_nothing() {
    local spare before
    before=$(cat /proc/sys/vm/dirty_bytes)
    echo -1000 >"/proc/${jvm}/oom_score_adj"
    echo 536870912 >/proc/sys/vm/dirty_bytes
    mkdir -p "${work}/hog" && mount -t tmpfs -o size=4g hog "${work}/hog" || return 1
    sync && echo 3 >/proc/sys/vm/drop_caches
    spare=$(awk '$1 == "MemAvailable:" {print int($2 / 1024) - 110}' /proc/meminfo)
    [ "${spare}" -gt 0 ] && dd if=/dev/zero of="${work}/hog/hog" bs=1M count="${spare}" status=none
    say "${spare} MiB taken, $(awk '$1 == "MemAvailable:" {print int($2 / 1024)}' /proc/meminfo) MiB left"
    timeout 150 dd if=/dev/zero of="${live}/big" bs=1M count=110 conv=fsync status=none
    local status=$?
    umount "${work}/hog"
    echo "${before}" >/proc/sys/vm/dirty_bytes
    rm -f "${live}/big" && fstrim "${live}" 2>/dev/null
    [ "${status}" = 0 ] || { fail "dd ended with ${status}"; return 1; }
    ask findings | tr ';' '\n' | sed 's/^/     | /'
}

test_a_take_freezes_the_file_system_on_the_node() {
    local said
    said=$(ask snapshot disk "${work}/storage" 192) || { fail "${said}"; return 1; }
    say "${said}"
    taken=${said%% *}
    [[ ${said} = *" FILE_SYSTEM []" ]] || fail "${said}"
}

test_an_image_is_a_block_device() {
    cp "${live}/first" "${work}/first" && head -c 2000000 /dev/urandom >"${live}/second" && : >"${live}/first" &&
        sync -f "${live}" || return 1
    local said link=/dev/${taken}
    said=$(ask connect "${taken}") || { fail "${said}"; return 1; }
    [ -b "${link}" ] || { fail "no ${link}: ${said}"; return 1; }
    mount "${link}" "${image}" || return 1
    cmp "${work}/first" "${image}/first" || return 1
    [ ! -e "${image}/second" ] || { fail "the image has what was written later"; return 1; }
    echo changed >"${image}/own" && umount "${image}" || return 1
    e2fsck -fn "${link}" >"${work}/fsck" 2>&1 || { fail "$(cat "${work}/fsck")"; return 1; }
    [ ! -e "${live}/own" ] || fail "a write to the image arrived at the live device"
}

test_what_is_not_ours_is_not_replaced() {
    local said link=/dev/${taken}
    ask disconnect "${taken}" >/dev/null || return 1
    [ ! -e "${link}" ] && [ ! -L "${link}" ] || { fail "${link} stayed"; return 1; }
    echo mine >"${link}" || return 1
    said=$(ask connect "${taken}") || { fail "${said}"; return 1; }
    [ "$(cat "${link}")" = mine ] || { fail "${link} was replaced"; return 1; }
    ask disconnect "${taken}" >/dev/null && [ "$(cat "${link}")" = mine ] && rm "${link}" &&
        ask connect "${taken}" >/dev/null && [ -b "${link}" ]
}

# A writer that keeps a record of what it wrote and forced, for as long as it is let.
writer() {
    local number=0
    : >"${work}/record"
    while [ ! -e "${work}/enough" ]; do
        number=$((number + 1))
        head -c $((8192 + RANDOM)) /dev/urandom >"${live}/file.$((number % 400))" &&
            sync "${live}/file.$((number % 400))" || { echo "file ${number}" >>"${work}/errors"; return 1; }
        (cd "${live}" && sha256sum "file.$((number % 400))") >>"${work}/record" || return 1
        [ $((number % 7)) -ne 0 ] || sleep 0.1
    done
    echo "${number}" >"${work}/written"
}

test_a_mounted_node_outlives_a_killed_jvm() {
    local before after fio number
    before=$(ask map disk)
    dmesg -C
    rm -f "${work}/enough" "${work}/errors" "${work}/written"
    writer &
    local writing=$!
    fio --name=busy --directory="${live}" --size=24m --rw=randrw --bs=16k --direct=1 --ioengine=psync --numjobs=2 \
        --time_based --runtime=$((20 + 25 * KILLS)) --verify=crc32c --verify_fatal=1 --serialize_overlap=1 \
        --output="${work}/fio" &
    fio=$!
    for number in $(seq "${KILLS}"); do
        sleep 6
        local files
        files=$(wc -l <"${work}/record")
        murder
        sleep $((1 + number % 3))
        start || return 1
        within 60 in_state /dev/nbd3 CONNECTED || { fail "$(ask list)"; return 1; }
        # It goes on: more than what may have been finished already.
        within 60 more_than "${files}" || { fail "the writer stands still behind kill ${number}"; return 1; }
    done
    wait "${fio}" || { cat "${work}/fio" && fail "fio failed"; return 1; }
    : >"${work}/enough"
    wait "${writing}" || { fail "the writer failed: $(cat "${work}/errors")"; return 1; }
    say "${KILLS} kills, $(cat "${work}/written") files"
    [ -z "$(io_errors)" ] || { fail "$(io_errors | head -n 5)"; return 1; }
    # What was written last under each name.
    tac "${work}/record" | awk '!seen[$2]++' >"${work}/last"
    sync -f "${live}"
    echo 3 >/proc/sys/vm/drop_caches
    (cd "${live}" && sha256sum --quiet -c "${work}/last") || { fail "contents differ"; return 1; }
    after=$(ask map disk)
    [ "${before}" = "${after}" ] || fail "the change map: ${before}, then ${after}"
}
more_than() { [ "$(wc -l <"${work}/record")" -gt $(($1 + 5)) ]; }

test_the_image_outlives_it_too() {
    [[ $(ask images) = "${taken} OK" ]] || { fail "$(ask images)"; return 1; }
    within 30 in_state "$(realpath "/dev/${taken}")" CONNECTED || { fail "$(ask list)"; return 1; }
    mount "/dev/${taken}" "${image}" && cmp "${work}/first" "${image}/first" && umount "${image}" || return 1
    ask disconnect "${taken}" >/dev/null && [ ! -L "/dev/${taken}" ]
}

test_the_file_system_is_clean() {
    umount "${live}" && e2fsck -fn /dev/nbd3 >"${work}/fsck" 2>&1 || { fail "$(cat "${work}/fsck")"; return 1; }
    local said
    said=$(ask disconnect disk) || { fail "${said}"; return 1; }
    [ ! -e /sys/block/nbd3/pid ] && [ -z "$(ask list)" ] && ask destroy >/dev/null
}

test_several_connections_share_a_node() {
    local said
    said=$(ask connect disk connections=4) || { fail "${said}"; return 1; }
    local node=${said%% *}
    fio --name=many --filename="${node}" --size=32m --rw=randwrite --bs=4k --direct=1 --iodepth=32 --ioengine=libaio \
        --verify=crc32c --output="${work}/fio" || { cat "${work}/fio" && return 1; }
    ask disconnect "${node}" >/dev/null
}

test_a_wish_is_fulfilled_and_kept() {
    ask wish disk node=/dev/nbd5 timeout=60 >/dev/null
    within 20 in_state /dev/nbd5 CONNECTED || fail "$(ask list) $(ask findings)"
}

test_a_node_without_server_waits_then_fails() {
    ask connect other node=/dev/nbd6 timeout=3 >/dev/null || return 1
    dd if=/dev/nbd6 of=/dev/null bs=64k count=1 status=none || return 1
    ask mute >/dev/null
    within 10 in_state /dev/nbd6 WAITING || { fail "$(ask list)"; return 1; }
    refused EAGAIN disconnect /dev/nbd6 || return 1
    local began=${SECONDS}
    if dd if=/dev/nbd6 of=/dev/null bs=64k count=1 iflag=direct status=none 2>/dev/null; then
        fail "it was read from nowhere"
        return 1
    fi
    [ $((SECONDS - began)) -ge 2 ] || { fail "it did not wait"; return 1; }
    ask findings | grep -q 'WARNING /dev/nbd6' || { fail "$(ask findings)"; return 1; }
    ask disconnect /dev/nbd6 force >/dev/null && [ ! -e /sys/block/nbd6/pid ]
}

test_a_stopped_jvm_leaves_its_nodes_to_the_next() {
    stop || return 1
    [ -e /sys/block/nbd5/pid ] || { fail "the node went with the JVM"; return 1; }
    start || return 1
    within 30 in_state /dev/nbd5 CONNECTED || { fail "$(ask list)"; return 1; }
    dd if=/dev/nbd5 of=/dev/null bs=64k count=1 iflag=direct status=none || return 1
    ask disconnect /dev/nbd5 >/dev/null && stop
}

echo 0 >/proc/sys/kernel/hung_task_timeout_secs
modinfo nbd >/dev/null 2>&1 || {
    echo "skip: the guest's kernel has no module nbd"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
mkfs.ext4 -q /dev/vda && mkdir -p "${work}" && mount /dev/vda "${work}" && mkdir "${work}/storage" || exit 1

mapfile -t tests < <(sed -n 's/^test_\([a-z_0-9]*\)() {$/\1/p' "${BASH_SOURCE[0]}")
[ $# -eq 0 ] || tests=("$@")
for name in "${tests[@]}"; do
    if [ "${failed}" -gt 0 ] && [ -z "${KEEP_GOING:-}" ]; then
        skipped=$((skipped + 1))
        echo "ok     ${name} # SKIP what it stands on failed"
        continue
    fi
    began=${SECONDS}
    "test_${name}"
    case $? in
        0) passed=$((passed + 1)) && echo "ok     ${name} ($((SECONDS - began)) s)" ;;
        77) skipped=$((skipped + 1)) && echo "ok     ${name} # SKIP" ;;
        *)
            failed=$((failed + 1))
            echo "not ok ${name} ($((SECONDS - began)) s)"
            tail -n 25 "${work}/log" | sed 's/^/     : /'
            dmesg | tail -n 15 | sed 's/^/     : /'
            ;;
    esac
done
echo "# ${SECONDS} s"
echo "${passed} passed, ${failed} failed, ${skipped} skipped"
[ "${failed}" = 0 ]
