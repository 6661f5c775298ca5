# SPDX-License-Identifier: GPL-2.0
#
# Sourced by every test, in the guest. What a test made is taken away again when it ends, however it ends; run-vm.sh
# looks for what is left.
#
# Disks:  vda vdb vdc   to be snapshotted       vdd … vdi  more of them, 128 MiB each
#         vdj           difference storage      vdk        a capacity that is a multiple of nothing
#         vdl           logical blocks of 4096 bytes
set -u
DISK=/dev/vda
STORAGE=/dev/vdj
PLACE=/run/test
CHILDREN=()
ID=

# Ends the test, also from within a command substitution.
fail() {
    echo "FAILED: $*" >&2
    [ "${BASHPID}" = "$$" ] || kill -TERM "$$"
    exit 1
}
trap 'exit 1' TERM

skip() {
    echo "skip: $*"
    exit 77
}

say() {
    printf '[%3d s] %s\n' "${SECONDS}" "$*"
}

scaled() {
    echo $(($1 * SCALE))
}

# refuses ERRNO COMMAND… : the command fails, and with that errno.
refuses() {
    local want=$1 words
    shift
    if words=$("$@" 2>&1 >/dev/null); then
        fail "$* was done, expected ${want}"
    fi
    case ${words} in
        *": ${want}") ;;
        *) fail "$*: '${words}', expected ${want}" ;;
    esac
}

# await SECONDS WHAT COMMAND… : waits until the command succeeds.
await() {
    local until=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "${SECONDS}" -lt "${until}" ] || fail "waited in vain for ${what}"
        sleep 0.05
    done
}

# background COMMAND… : runs until the test ends or stop_children is called.
background() {
    "$@" &
    CHILDREN+=($!)
}

stop_children() {
    local pid
    for pid in ${CHILDREN[@]+"${CHILDREN[@]}"}; do
        kill "${pid}" 2>/dev/null
    done
    for pid in ${CHILDREN[@]+"${CHILDREN[@]}"}; do
        wait "${pid}" 2>/dev/null
    done
    CHILDREN=()
}

loaded() {
    [ -e /sys/module/blksnap ]
}

# load [PARAMETER=VALUE…] : the module as if it were loaded with these parameters. Unloading takes seconds, so one that is
# there is taken; its parameters are those of a fresh one (see unload).
load() {
    local pair
    loaded || insert
    for pair in "$@"; do
        set_parameter "${pair%%=*}" "${pair#*=}"
    done
}

# insert [PARAMETER=VALUE…] : really loads it.
insert() {
    [ -e "${MODULE}" ] || skip "the module is not built"
    insmod "${MODULE}" "$@" || fail "insmod $*"
    await 5 "the control device" [ -c /dev/blksnap-control ]
}

# The module could be unloaded now: nothing uses it. Its parameters are set back.
unload() {
    unused() { [ "$(cat /sys/module/blksnap/refcnt)" = 0 ]; }
    await 10 "the module to be unused: $(cat /sys/module/blksnap/refcnt) uses" unused
    [ -z "$(blkctl collect)" ] || fail "snapshots are left"
    [ -z "$(compgen -G '/sys/block/blksnap-image*')" ] || fail "images are left"
    set_defaults
}

set_defaults() {
    local name value
    local is
    while read -r name value; do
        read -r is <"/sys/module/blksnap/parameters/${name}"
        [ "${is}" = "${value}" ] || set_parameter "${name}" "${value}"
    done <"${TESTS}/vm/parameters"
}

# Really unloads it.
eject() {
    local tries
    for tries in 1 2 3 4 5 6 7 8 9 10; do
        rmmod blksnap 2>/dev/null && break
        sleep 0.2
    done
    loaded && fail "rmmod: $(rmmod blksnap 2>&1); used by $(cat /sys/module/blksnap/refcnt 2>/dev/null)"
    [ ! -e /dev/blksnap-control ] || fail "the control device outlived the module"
}

attach() {
    local device
    for device in "$@"; do
        blkctl attach "${device}" || fail "attach ${device}"
    done
}

detach() {
    local device
    for device in "$@"; do
        blkctl detach "${device}" || fail "detach ${device}"
    done
}

# prepare DEVICE… : a snapshot of the devices, not taken, without storage. Its id is in ID.
prepare() {
    local device
    ID=$(blkctl create) || fail create
    for device in "$@"; do
        blkctl add "${device}" "${ID}" || fail "add ${device}"
    done
}

# take_of DEVICE… : a taken snapshot of the devices, all of STORAGE behind it.
take_of() {
    prepare "$@"
    blkctl append "${ID}" "${STORAGE}" "0:$(sectors size "${STORAGE}")" || fail append
    blkctl take "${ID}" || fail take
}

destroy() {
    blkctl destroy "${ID}" || fail destroy
    ID=
}

# image DEVICE : the path of its image.
image() {
    local name tries
    name=$(blkctl info "$1") || fail "snapshotinfo of $1"
    name=${name#* }
    [ -n "${name}" ] || fail "$1 has no image"
    for tries in $(seq 100); do
        [ ! -b "/dev/${name}" ] || break
        sleep 0.05
    done
    [ -b "/dev/${name}" ] || fail "there is no /dev/${name}"
    echo "/dev/${name}"
}

image_error() {
    local words
    words=$(blkctl info "$1") || fail "snapshotinfo of $1"
    echo "${words%% *}"
}

# field NAME LINE : the value of NAME= in a line of blkctl cbtinfo.
field() {
    sed -E "s/^(.* )?$1=([^ ]*).*$/\2/" <<<"$2"
}

parameter() {
    cat "/sys/module/blksnap/parameters/$1"
}

set_parameter() {
    echo "$2" >"/sys/module/blksnap/parameters/$1" || fail "parameter $1=$2 was refused"
}

mounted() { # DEVICE NAME [OPTIONS] : mounts at PLACE/NAME
    mkdir -p "${PLACE}/$2"
    # shellcheck disable=SC2086
    mount ${3:+-o $3} "$1" "${PLACE}/$2" || fail "mount ${3:-} $1: $(dmesg | tail -n 3)"
}

unmounted() {
    local name
    for name in "$@"; do
        umount "${PLACE}/${name}" || fail "umount ${name}"
    done
}

# files DIRECTORY NUMBER : files with random content and their sums in DIRECTORY.sums
files() {
    local n
    mkdir -p "$1"
    for n in $(seq "$2"); do
        head -c $((n * 1511)) /dev/urandom >"$1/file${n}"
    done
    (cd "$1" && sha256sum -- *) >"$1.sums"
}

# same_files DIRECTORY SUMS
same_files() {
    (cd "$1" && sha256sum --quiet -c "$2") || fail "files of $1 are not what they were"
}

# live_files DEVICE NUMBER : mounts it at PLACE/live, with files in kept; their sums are in PLACE/sums.
live_files() {
    mounted "$1" live
    files "${PLACE}/live/kept" "$2"
    cp "${PLACE}/live/kept.sums" "${PLACE}/sums"
}

# rewritten DIRECTORY SUMS : other content in each of its files, on the device when this returns.
rewritten() {
    local file
    for file in "$1"/*; do
        head -c 20000 /dev/urandom >"${file}"
    done
    sync -f "$1"
    (cd "$1" && sha256sum -- *) >"$2"
}

# busy DIRECTORY : a file system in use: files come, grow, are synced, and go; random writes into one file.
busy() {
    mkdir -p "$1"
    background churn "$1"
    background fio --name=busy --directory="$1" --rw=randwrite --bs=4k --size=8M --ioengine=psync --time_based --runtime=600 \
        --fsync=16 --output=/dev/null
}

churn() {
    local n=0
    trap 'exit 0' TERM
    while :; do
        n=$((n + 1))
        head -c $((n % 97 * 1000 + 10)) /dev/urandom >"$1/new$((n % 40))" 2>/dev/null || exit 0
        [ $((n % 5)) -ne 0 ] || sync "$1/new$((n % 40))" 2>/dev/null
        [ $((n % 7)) -ne 0 ] || rm -f "$1/new$((n % 13))"
    done
}

# busy_device DEVICE : random direct writes, four at a time.
busy_device() {
    background fio --name=busy --filename="$1" --rw=randwrite --bs=4k --ioengine=libaio --iodepth=4 --direct=1 --time_based \
        --runtime=600 --output=/dev/null
}

# made_null NAME ATTRIBUTE=VALUE… : a null_blk disk that keeps what is written; its path is in NULL_DISK.
made_null() {
    local at=/sys/kernel/config/nullb/$1 pair
    [ -e /sys/module/null_blk ] || modprobe null_blk nr_devices=0 || skip "no null_blk"
    [ -e /sys/kernel/config/nullb ] || mount -t configfs none /sys/kernel/config || skip "no configfs"
    mkdir "${at}" || fail "null_blk by configfs"
    for pair in memory_backed=1 "${@:2}"; do
        echo "${pair#*=}" >"${at}/${pair%%=*}" || fail "null_blk refuses ${pair}"
    done
    echo 1 >"${at}/power" || fail "null_blk refuses its power"
    # Named after its directory, or its number, as the kernel likes it.
    NULL_DISK=/dev/$1
    [ -e "/sys/block/$1" ] || NULL_DISK=/dev/nullb$(cat "${at}/index")
    await 5 "${NULL_DISK}" [ -b "${NULL_DISK}" ]
}

# dirtied FILE MIB : fills it, and leaves that to be written back.
dirtied() {
    local name
    for name in dirty_bytes=536870912 dirty_background_bytes=268435456 dirty_writeback_centisecs=0; do
        echo "${name#*=}" >"/proc/sys/vm/${name%%=*}"
    done
    dd if=/dev/zero of="$1" bs=1M count="$2" conv=notrunc status=none || fail "dirty data"
    [ "$(awk '/^Dirty:/ {print int($2 / 1024)}' /proc/meminfo)" -ge $(($2 - 4)) ] || fail "dirty data was written back too early"
}

# limits NAME DEVICE LIMIT… : what the cgroup NAME, made if need be, may do to the device, as in io.max.
limits() {
    local at=/sys/fs/cgroup/$1
    [ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 none /sys/fs/cgroup || skip "no cgroup2"
    echo +io >/sys/fs/cgroup/cgroup.subtree_control || skip "no io controller"
    mkdir -p "${at}" || fail "cgroup $1"
    echo "$(stat -c '%Hr:%Lr' "$2") ${*:3}" >"${at}/io.max" || skip "no io.max"
}

# within NAME COMMAND… : runs it in the cgroup.
within() {
    echo "${BASHPID}" >"/sys/fs/cgroup/$1/cgroup.procs" || fail "cgroup $1"
    exec "${@:2}"
}

milliseconds() {
    echo $(($(date +%s%N) / 1000000))
}

# made_dm NAME TABLE : a device mapper device; its path is /dev/mapper/NAME.
made_dm() {
    dmsetup create "$1" --noudevsync --table "$2" || fail "dmsetup create $1"
    await 5 "/dev/mapper/$1" [ -b "/dev/mapper/$1" ]
}

# engine_place DEVICE : an ext4 at PLACE/place, where the Java engine keeps its state and its storage.
engine_place() {
    [ -e "${ROOT}/itests/kernel/target/classpath" ] || skip "the Java classes are not built: ./mvnw -pl itests/kernel -am package"
    command -v "${JAVA_HOME:-/usr}/bin/java" >/dev/null || skip "no ${JAVA_HOME:-/usr}/bin/java"
    mkfs.ext4 -q -F "$1" || fail "mkfs $1"
    mounted "$1" place
}

# guest_java CLASS[#METHOD]… : runs tests of itests/kernel in a plain JVM; they make what they need at PLACE/place.
guest_java() {
    "${JAVA_HOME:-/usr}/bin/java" -Xmx640m -Xshare:auto -XX:TieredStopAtLevel=1 -Dblksnap.place="${PLACE}/place" -Dblksnap.live="${PLACE}/live" -Dblksnap.disk=/dev/vde \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Djna.tmpdir=/run \
        -cp "${ROOT}/itests/kernel/target/test-classes:$(cat "${ROOT}/itests/kernel/target/classpath")" \
        org.blksnap.itests.kernel.GuestMain "$@"
}

tidy() {
    local status=$? line
    trap - EXIT
    stop_children
    [ ! -e "${PLACE}/suspended" ] || dmsetup resume --noudevsync "$(cat "${PLACE}/suspended")"
    awk -v at="${PLACE}/" 'index($2, at) == 1 {print $2}' /proc/mounts | sort -r | while read -r line; do umount -l "${line}"; done
    if loaded; then
        [ "$(cat /sys/module/blksnap/refcnt)" = 0 ] || timeout 60 blkctl tidy
        set_defaults
    fi
    if compgen -G '/sys/block/dm-*' >/dev/null; then
        dmsetup remove_all --force --noudevsync 2>/dev/null
        dmsetup mknodes 2>/dev/null
    fi
    for line in /sys/block/md*; do
        [ ! -e "${line}" ] || "${MDADM}" --stop "/dev/$(basename "${line}")" >/dev/null 2>&1
    done
    ! compgen -G '/sys/block/loop*/loop/backing_file' >/dev/null || losetup -D
    for line in /sys/block/vd*/vd*/partition; do
        [ -e "${line}" ] || continue
        line=$(dirname "${line}")
        delpart "/dev/$(basename "$(dirname "${line}")")" "$(cat "${line}/partition")"
    done
    echo 67108864 >/proc/sys/vm/dirty_bytes
    echo 500 >/proc/sys/vm/dirty_writeback_centisecs
    rm -rf "${PLACE:?}"/*
    for line in /sys/kernel/config/nullb/*/ /sys/fs/cgroup/*/; do
        case ${line} in
            *'*'* | */features/) ;;
            *) rmdir "${line}" ;;
        esac
    done
    for line in scsi_debug null_blk zram; do
        [ ! -e "/sys/module/${line}" ] || rmmod "${line}"
    done
    exit "${status}"
}
trap tidy EXIT
