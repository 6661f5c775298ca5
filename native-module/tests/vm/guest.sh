#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs inside the guest, as its process 1: each test in a session of its own, its output and its end to the second serial
# port (see run-vm.sh for the lines), and the guest's state afterwards looked at. Powers off at the end.
export MDADM_NO_UDEV=1 DM_DISABLE_UDEV=1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root TERM=dumb
RUN=$1
set -a
# shellcheck disable=SC1091
. "${RUN}/guest.env"
set +a
# shellcheck source=unwell.sh
. "${TESTS}/vm/unwell.sh"
stty -F /dev/ttyS1 raw 115200 2>/dev/null
mkdir -p /dev/pts /dev/shm /run
ln -s /proc/self/fd /dev/fd
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mkdir -p /run/test /run/bin
# From memory, these start quicker.
cp "${BIN}"/* /run/bin/
export BIN=/run/bin PATH="/run/bin:${PATH}"
echo 30 >/proc/sys/kernel/hung_task_timeout_secs
echo -1 >/proc/sys/kernel/hung_task_warnings
echo 30 >/proc/sys/kernel/watchdog_thresh
# A writer that is throttled for seconds says nothing about the module; keep little dirty memory.
echo 67108864 >/proc/sys/vm/dirty_bytes
ulimit -c 0

power_off() {
    echo "$1"
    sync -f /dev/ttyS1 2>/dev/null
    sleep 0.2
    echo o >/proc/sysrq-trigger
    sleep 60
}

# state prints what a test may not leave behind.
state() {
    awk '$2 ~ /^\/run\/test\/./ {print "mounted: " $1 " " $2}' /proc/mounts
    losetup -n -O NAME,BACK-FILE --list 2>/dev/null | sed 's/^/loop device: /'
    compgen -G '/sys/block/dm-*' | sed 's/^/dm device: /'
    compgen -G '/sys/block/md*' | sed 's/^/md device: /'
    compgen -G '/sys/block/vd*/vd*' | sed 's/^/partition: /'
    grep -oE '^(scsi_debug|null_blk|zram) .*' /proc/modules | sed 's/^/module: /'
    awk '$1 == "blksnap" && $3 != 0 {print "the module has " $3 " uses"}' /proc/modules
    compgen -G '/sys/block/blksnap*' | sed 's/^/image: /'
}

run_test() {
    local name=$1 out=/run/out status=0 began pid deadline left tries
    echo "@begin ${name}"
    echo "test ${name} begins" >/dev/kmsg
    dmesg -C
    began=${SECONDS}
    deadline=$((SECONDS + TEST_LIMIT))
    NAME=${name} setsid bash "${TESTS}/test_${name}.sh" >"${out}" 2>&1 </dev/null &
    pid=$!
    while kill -0 "${pid}" 2>/dev/null; do
        if [ "${SECONDS}" -ge "${deadline}" ]; then
            echo "too slow: more than ${TEST_LIMIT} s" >>"${out}"
            ps -eo pid,stat,wchan:32,args --sort=pid | awk '$2 ~ /D/' >>"${out}"
            dmesg -C
            echo w >/proc/sysrq-trigger
            dmesg | tail -n 120 >>"${out}"
            kill -KILL -- "-${pid}"
            sed 's/^/| /' "${out}" | tail -n 200
            echo "@end ${name} 124 $((SECONDS - began))"
            power_off "@dirty ${name} was too slow"
        fi
        sleep 0.1
    done
    wait "${pid}"
    status=$?
    kill -KILL -- "-${pid}" 2>/dev/null
    if dmesg | grep -qE "${UNWELL}" && ! grep -qE "^# unwell-is-fine" "${TESTS}/test_${name}.sh"; then
        echo "the kernel was unwell:" >>"${out}"
        dmesg | tail -n 120 >>"${out}"
        [ "${status}" != 0 ] && [ "${status}" != 77 ] || status=99
    elif [ "${status}" != 0 ] && [ "${status}" != 77 ]; then
        echo "the kernel's last words:" >>"${out}"
        dmesg | tail -n 20 >>"${out}"
    fi
    # Devices go away a moment after they were told to.
    for tries in 1 2 3 4 5 6 7 8 9 10; do
        left=$(state)
        [ -n "${left}" ] || break
        sleep 0.2
    done
    if [ -n "${left}" ]; then
        printf 'left behind:\n%s\n' "${left}" >>"${out}"
        [ "${status}" != 0 ] && [ "${status}" != 77 ] || status=98
    fi
    sed 's/^/| /' "${out}" | tail -n 200
    echo "@end ${name} ${status} $((SECONDS - began))"
    if [ -n "${left}" ] || [ "${status}" = 99 ]; then
        power_off "@dirty ${name} left the guest in disorder"
    fi
}

for module in ext4 xfs btrfs loop dm_mod sd_mod; do
    modprobe "${module}"
done
read -r uptime _ </proc/uptime
echo "@boot ${uptime}"
command=$(cat "${RUN}/command")
if [ -n "${command}" ]; then
    cd "${TESTS}" || power_off "@done"
    NAME=shell
    export NAME
    bash -c ". '${TESTS}/lib.sh'; ${command}" 2>&1 </dev/null | sed -u 's/^/| /'
    echo "@end ${PIPESTATUS[0]}"
else
    while read -r name; do
        run_test "${name}"
    done <"${RUN}/tests"
    if [ -e /sys/module/blksnap ]; then
        rmmod blksnap || echo "WARNING: the module can't be unloaded at the end" >/dev/kmsg
    fi
fi
power_off "@done"
