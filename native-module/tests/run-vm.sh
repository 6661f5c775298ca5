#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the tests of the kernel module in a virtual machine with Debian's own kernel.
#
# The guest sees the root file system of this machine read-only (9p) under an overlay in memory, so every program of
# this machine is there and nothing of this machine can be changed. Data disks are sparse files in a scratch directory.
# The guest runs test_<group>_<nn>.sh one after another, several a boot; it is booted anew after a test that crashed it,
# hung, or left something behind. Anything a kernel says only when it is unwell fails the test that was running.
#
# The talk with the guest goes over its second serial port, one line each:
#   @begin NAME   @end NAME STATUS SECONDS   @dirty WHY   @done   @boot SECONDS   | LINE (of a test's output)
set -uo pipefail

{ # read as a whole, so that an edit does not disturb a run

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCES=$(dirname "${TESTS}")
CACHE=${BLKSNAP_VM_CACHE:-${SOURCES}/target/vm}
SCALE=${BLKSNAP_SCALE:-1}
ACCEL=${BLKSNAP_VM_ACCEL:-tcg,thread=multi}
FLAVOUR=amd64
SERIES=6.1
RELEASE=
KEEP=
COMMAND=
BUILD=yes
VERBOSE=
# Seconds for the whole run, one test, and the way from power-on to the first test.
TOTAL_LIMIT=$((2700 * SCALE))
TEST_LIMIT=$((200 * SCALE))
BOOT_LIMIT=120
# Times the guest may be booted anew.
BOOT_MAXIMUM=24
# The disks of the guest: name:size in MiB[:options]. What each is for stands in lib.sh.
DISKS=(vda:512 vdb:256 vdc:512 vdd:128 vde:128 vdf:128 vdg:128 vdh:128 vdi:128 vdj:1024 vdk:odd vdl:256:4096)

usage() {
    cat <<'END'
usage: run-vm.sh [option…] [test…]

A test is a name (cbt_01), a group (cbt), or a file (test_cbt_01.sh); none means all.

  --list             print the tests and what they show
  --keep-log DIR     keep console.log (the guest's kernel) and tests.log (all output of the tests)
  --shell CMD        run CMD in the guest instead of tests, with lib.sh sourced and the module built
  --kernel FLAVOUR   amd64 (default), rt (where Debian has it), cloud
  --release RELEASE  a kernel that apt knows by name, as 6.12.95+deb12-amd64 of the backports; BLKSNAP_VM_KDIR=DIR has
                     its headers where they are not installed
  --time-limit S     bound of the whole run, seconds (default 2700, times BLKSNAP_SCALE)
  --no-build         take the module as it was built last
  --verbose          print the output of tests that pass, too

BLKSNAP_SCALE=N multiplies counts and limits (default 1: made for two cores without KVM).
BLKSNAP_VM_ACCEL=kvm uses KVM; the default is QEMU's own translator, which works everywhere. BLKSNAP_VM_QEMU adds options.
Tests: ok, not ok, or skipped, with seconds; the last line is "N passed, M failed, K skipped".
END
}

fail() {
    echo "run-vm: $*" >&2
    exit 1
}

describe() {
    sed -n 's/^# shows: *//p' "$1" | head -n 1
}

WANTED=()
while [ $# -gt 0 ]; do
    case $1 in
        --list)
            for file in "${TESTS}"/test_*.sh; do
                name=$(basename "${file}" .sh)
                printf '%-24s %s\n' "${name#test_}" "$(describe "${file}")"
            done
            exit 0
            ;;
        --keep-log) KEEP=${2:?--keep-log DIR} && shift ;;
        --shell) COMMAND=${2:?--shell CMD} && shift ;;
        --kernel) FLAVOUR=${2:?--kernel FLAVOUR} && shift ;;
        --release) RELEASE=${2:?--release RELEASE} && shift ;;
        --time-limit) TOTAL_LIMIT=${2:?--time-limit SECONDS} && shift ;;
        --no-build) BUILD= ;;
        --verbose) VERBOSE=yes ;;
        -h | --help) usage && exit 0 ;;
        -*) usage >&2 && exit 2 ;;
        *) WANTED+=("$1") ;;
    esac
    shift
done
case ${FLAVOUR} in
    rt | cloud) FLAVOUR=${FLAVOUR}-amd64 ;;
esac
[ "$(id -u)" = 0 ] || fail "must be run as root: it installs Debian packages and shares the root file system with the guest"

# ---------------------------------------------------------------------------------------------- what is to be run

declare -A CHOSEN=()
PENDING=()
choose() {
    local name
    name=$(basename "$1" .sh)
    name=${name#test_}
    [ -z "${CHOSEN[${name}]:-}" ] || return 0
    CHOSEN[${name}]=yes
    PENDING+=("${name}")
}

if [ -z "${COMMAND}" ]; then
    [ ${#WANTED[@]} -gt 0 ] || WANTED=('')
    for want in "${WANTED[@]}"; do
        want=$(basename "${want}" .sh)
        want=${want#test_}
        found=
        for file in "${TESTS}/test_${want}"*.sh; do
            [ -e "${file}" ] || continue
            choose "${file}" && found=yes
        done
        [ -n "${found}" ] || fail "no test is called '${want}'; --list prints them"
    done
fi

# ------------------------------------------------------------------------------------------------------- packages

export PATH="${PATH}:/usr/sbin:/sbin"
export DEBIAN_FRONTEND=noninteractive
UPDATED=

# Runs beside each other prepare one after another.
mkdir -p "${CACHE}" || fail "no cache directory ${CACHE}"
exec 8>"${CACHE}/lock"
flock 8

apt_update() {
    [ -z "${UPDATED}" ] || return 0
    UPDATED=yes
    apt-get -o DPkg::Lock::Timeout=300 update -qq >/dev/null 2>&1 ||
        echo "run-vm: apt-get update failed; trying with the lists at hand" >&2
}

install() {
    [ $# -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "missing: $*; no apt-get here to install them with"
    echo "# installing $*"
    apt_update
    apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
        fail "apt-get install $* failed"
}

# have PROGRAM PACKAGE… remembers the packages of a program that is missing.
MISSING=()
have() {
    local program=$1
    shift
    command -v "${program}" >/dev/null 2>&1 || MISSING+=("$@")
}

# unpack PACKAGE downloads one package and unpacks it into the cache, without installing it here.
unpack() {
    local package=$1 place=$2
    mkdir -p "${CACHE}/debs" "${place}"
    if ! compgen -G "${CACHE}/debs/${package}_*.deb" >/dev/null; then
        apt_update
        (cd "${CACHE}/debs" && apt-get download -qq "${package}" >/dev/null 2>&1) || return 1
    fi
    dpkg -x "$(compgen -G "${CACHE}/debs/${package}_*.deb" | sort -V | tail -n 1)" "${place}"
}

have qemu-system-x86_64 qemu-system-x86
have gcc gcc libc6-dev
have make make
have cpio cpio
have modprobe kmod
have busybox busybox-static
have mkfs.ext4 e2fsprogs
have mkfs.xfs xfsprogs
have mkfs.btrfs btrfs-progs
have dmsetup dmsetup
have fio fio
have losetup mount
[ -e /usr/include/x86_64-linux-gnu/asm/unistd.h ] || MISSING+=(linux-libc-dev)
[ -e /usr/lib32/libc.a ] || MISSING+=(libc6-dev-i386)
compgen -G "/usr/lib/gcc/x86_64-linux-gnu/*/32/libgcc.a" >/dev/null ||
    MISSING+=("lib32gcc-$(gcc -dumpversion 2>/dev/null || echo 12)-dev")
install ${MISSING[@]+"${MISSING[@]}"}

# The newest kernel of the flavour whose image is at hand, else the one the archive has now.
release_at_hand() {
    local deb release
    for deb in $(compgen -G "${CACHE}/debs/linux-image-*-${FLAVOUR}_*.deb" | sort -rV); do
        release=$(basename "${deb}")
        release=${release#linux-image-}
        release=${release%%_*}
        case ${release%-"${FLAVOUR}"} in *-rt | *-cloud) continue ;; esac
        case ${release} in "${SERIES}".*) ;; *) continue ;; esac
        [ -e "/lib/modules/${release}/build/Makefile" ] && echo "${release}" && return 0
    done
    return 1
}

[ -n "${RELEASE}" ] || RELEASE=$(release_at_hand) || {
    apt_update
    RELEASE=$(apt-cache depends "linux-image-${FLAVOUR}" 2>/dev/null |
        sed -nE 's/^ *Depends: linux-image-([0-9].*)$/\1/p' | head -n 1)
    [ -n "${RELEASE}" ] || fail "the archive has no linux-image-${FLAVOUR}"
}
KDIR=${BLKSNAP_VM_KDIR:-/lib/modules/${RELEASE}/build}
[ -e "${KDIR}/Makefile" ] || install "linux-headers-${RELEASE}"
KERNEL=${CACHE}/${RELEASE}
if [ ! -e "${KERNEL}/boot/vmlinuz-${RELEASE}" ]; then
    FRESH=$(mktemp -d "${CACHE}/fresh.XXXXXX")
    unpack "linux-image-${RELEASE}" "${FRESH}" || fail "linux-image-${RELEASE} could not be downloaded"
    depmod -b "${FRESH}" "${RELEASE}" || fail "depmod of ${RELEASE}"
    chmod 755 "${FRESH}"
    mv -T "${FRESH}" "${KERNEL}" || fail "${KERNEL} is in the way"
fi
if [ ! -e "${CACHE}/mdadm/sbin/mdadm" ]; then
    unpack mdadm "${CACHE}/mdadm" || echo "# no mdadm: tests of md are skipped"
fi

# --------------------------------------------------------------------------------------------------------- builds

# The module is built from a copy, so that a build here and one in the source directory don't disturb each other.
BUILT=${CACHE}/build-${RELEASE}
build_module() {
    compgen -G "${SOURCES}/*.c" >/dev/null || return 1
    mkdir -p "${BUILT}"
    (cd "${SOURCES}" && tar cf - --exclude=./target --exclude=./tests --exclude='*.o' --exclude='*.ko' --exclude='*.cmd' \
        --exclude='*.mod' --exclude='*.mod.c' .) | tar xf - -C "${BUILT}" || return 1
    make -C "${KDIR}" M="${BUILT}" modules >"${BUILT}/make.log" 2>&1 || {
        tail -n 30 "${BUILT}/make.log" | sed 's/^/| /' >&2
        fail "the module does not build against ${RELEASE}"
    }
}
if [ -n "${BUILD}" ]; then
    build_module || echo "# no module to build yet in ${SOURCES}"
fi
make -s -C "${TESTS}" BIN="${CACHE}/bin" UAPI="${SOURCES}/uapi" || fail "the test programs do not build"

# ------------------------------------------------------------------------------------------------- guest's start

SCRATCH=$(mktemp -d "${TMPDIR:-/var/tmp}/blksnap-vm.XXXXXX") || fail "no scratch directory"
QEMU=
cleanup() {
    trap - EXIT
    [ -z "${QEMU}" ] || kill -KILL "${QEMU}" 2>/dev/null
    [ -z "${QEMU}" ] || wait "${QEMU}" 2>/dev/null
    rm -rf "${SCRATCH}"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
: >"${SCRATCH}/console.log"
: >"${SCRATCH}/tests.log"

make_initramfs() {
    local tree=${SCRATCH}/initramfs file
    mkdir -p "${tree}"/{bin,modules,proc,sys,dev,lower,rw,root}
    cp "$(command -v busybox)" "${tree}/bin/busybox"
    cp "${TESTS}/vm/init" "${tree}/init"
    chmod 755 "${tree}/init"
    for file in virtio_pci virtio_blk 9p 9pnet_virtio overlay; do
        modprobe -d "${KERNEL}" -S "${RELEASE}" --show-depends "${file}" 2>/dev/null |
            sed -nE 's/^insmod ([^ ]+).*$/\1/p'
    done | awk '!seen[$0]++' >"${SCRATCH}/insmod"
    while read -r file; do
        case ${file} in
            *.xz) xz -dc "${file}" >"${tree}/modules/$(basename "${file}" .xz)" ;;
            *) cp "${file}" "${tree}/modules/" ;;
        esac
        basename "${file}" .xz >>"${tree}/modules/order"
    done <"${SCRATCH}/insmod"
    (cd "${tree}" && find . | cpio --quiet -o -H newc) | gzip -1 >"${SCRATCH}/initramfs.gz"
    rm -rf "${tree}"
}

SEED=${BLKSNAP_SEED:-$((RANDOM * 32768 + RANDOM))}
make_initramfs || fail "the initramfs could not be made"
# What the guest reads doesn't change under it.
mkdir "${SCRATCH}/bin" "${SCRATCH}/tests.d"
cp "${CACHE}"/bin/* "${SCRATCH}/bin/"
cp -r "${TESTS}"/. "${SCRATCH}/tests.d/"
[ ! -e "${BUILT}/blksnap.ko" ] || cp "${BUILT}/blksnap.ko" "${SCRATCH}/blksnap.ko"
exec 8>&-
{
    printf 'TESTS=%q\nBIN=%q\nMODULE=%q\nMODULES=%q\nMDADM=%q\n' \
        "${SCRATCH}/tests.d" "${SCRATCH}/bin" "${SCRATCH}/blksnap.ko" "${KERNEL}/lib/modules" "${CACHE}/mdadm/sbin/mdadm"
    printf 'SCALE=%q\nSEED=%q\nTEST_LIMIT=%q\n' "${SCALE}" "${SEED}" "${TEST_LIMIT}"
    printf 'ROOT=%q\nJAVA_HOME=%q\n' "$(dirname "${SOURCES}")" "${JAVA_HOME:-}"
} >"${SCRATCH}/guest.env"
printf '%s\n' "${COMMAND}" >"${SCRATCH}/command"

make_disks() {
    local entry name size rest
    QEMU_DISKS=()
    for entry in "${DISKS[@]}"; do
        IFS=: read -r name size rest <<<"${entry}"
        rm -f "${SCRATCH}/${name}.raw"
        case ${size} in
            # Three sectors more than a whole number of anything.
            odd) truncate -s $((97 * 1048576 + 3 * 512)) "${SCRATCH}/${name}.raw" ;;
            *) truncate -s "${size}M" "${SCRATCH}/${name}.raw" ;;
        esac
        QEMU_DISKS+=(-drive "if=none,id=${name},file=${SCRATCH}/${name}.raw,format=raw,cache=unsafe,discard=unmap,detect-zeroes=off")
        QEMU_DISKS+=(-device "virtio-blk-pci,drive=${name},serial=${name},num-queues=2,discard=on,write-zeroes=on${rest:+,logical_block_size=${rest},physical_block_size=${rest}}")
    done
}

# start_guest ACCELERATOR [TEST…] : its lines can then be read from descriptor 7.
start_guest() {
    printf '%s\n' "${@:2}" >"${SCRATCH}/tests"
    make_disks
    rm -f "${SCRATCH}/talk"
    mkfifo "${SCRATCH}/talk"
    qemu-system-x86_64 -accel "${1}" -machine q35 -cpu max,la57=off -smp 2 -m 1536 -nodefaults -display none -no-reboot \
        -kernel "${KERNEL}/boot/vmlinuz-${RELEASE}" -initrd "${SCRATCH}/initramfs.gz" \
        -append "console=ttyS0 loglevel=5 panic=-1 oops=panic mitigations=off run=${SCRATCH} ${BLKSNAP_VM_APPEND:-}" \
        ${BLKSNAP_VM_QEMU:-} -fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
        -device virtio-9p-pci,fsdev=host,mount_tag=host -device virtio-rng-pci \
        -chardev "file,id=console,path=${SCRATCH}/console.log,append=on" -serial chardev:console -serial stdio \
        "${QEMU_DISKS[@]}" <"/dev/null" >"${SCRATCH}/talk" 2>"${SCRATCH}/qemu.log" &
    QEMU=$!
    exec 7<"${SCRATCH}/talk"
    PARTIAL=
}

end_guest() {
    kill -KILL "${QEMU}" 2>/dev/null
    wait "${QEMU}" 2>/dev/null
    QEMU=
    exec 7<&-
}

# ------------------------------------------------------------------------------------------------------- the run

# shellcheck source=vm/unwell.sh
. "${TESTS}/vm/unwell.sh"
PASSED=0
FAILED=0
SKIPPED=0
BOOTS=0
OUTPUT=()
declare -A REPEATED=()

report() { # NAME STATUS SECONDS
    local what mark
    what=$(describe "${TESTS}/test_$1.sh")
    case $2 in
        0) PASSED=$((PASSED + 1)) && mark="ok     $1 (${3} s) ${what}" ;;
        77) SKIPPED=$((SKIPPED + 1)) && mark="ok     $1 (${3} s) # SKIP $(printf '%s\n' "${OUTPUT[@]}" | sed -n 's/^skip: //p' | tail -n 1)" ;;
        *) FAILED=$((FAILED + 1)) && mark="not ok $1 (${3} s) ${what}" ;;
    esac
    echo "${mark}"
    printf '%s\n' "${mark}" ${OUTPUT[@]+"${OUTPUT[@]/#/| }"} >>"${SCRATCH}/tests.log"
    if [ "$2" != 0 ] && [ "$2" != 77 ] || [ -n "${VERBOSE}" ]; then
        [ ${#OUTPUT[@]} -eq 0 ] || printf '       | %s\n' "${OUTPUT[@]}"
    fi
    OUTPUT=()
}

# console_tail FROM prints what the guest's kernel said since byte FROM, as the reason of a failure.
console_tail() {
    tail -c "+$(($1 + 1))" "${SCRATCH}/console.log" | tr -d '\r' | tail -n 60 | sed 's/^/       : /'
}

# QEMU's translator before 8.1 can translate code while the kernel patches it, and keep the breakpoint that stands there
# for a moment: the CPUs that come by stay at that instruction for ever. Patched are the entries of what we hook, when the
# module is loaded or unloaded. stuck_at_breakpoint FROM: since that byte of the log the guest's kernel says nothing but
# that CPUs are stuck, and they are, at such an entry. The test is then run once more, by one thread of the translator.
HOOKED='submit_bio_noacct_nocheck|__blk_throtl_bio|blkdev_ioctl|compat_blkdev_ioctl|device_del|bdev_write_page'
stuck_at_breakpoint() {
    local said
    [ "${ACCEL%%,*}" = tcg ] || return 1
    said=$(tail -c "+$(($1 + 1))" "${SCRATCH}/console.log" | tr -d '\r')
    grep -q 'soft lockup' <<<"${said}" || return 1
    [ -z "$(grep -E "${UNWELL}" <<<"${said}" | grep -vE 'soft lockup|Call Trace:|detected stall')" ] &&
        [ -z "$(grep 'RIP: 0010:' <<<"${said}" | grep -vE "RIP: 0010:(${HOOKED})\\+0x[0-9]/")" ]
}

# next_line sets line to a whole line of the guest: 0; 1 the guest is gone; 2 none came within a second. What came of a
# line by then is kept for the next call.
PARTIAL=
next_line() {
    local status=0
    IFS= read -r -t 1 -u 7 line || status=$?
    line=${PARTIAL}${line}
    PARTIAL=
    if [ "${status}" -eq 0 ]; then
        line=${line%$'\r'}
        return 0
    fi
    [ "${status}" -gt 128 ] || return 1
    PARTIAL=${line}
    return 2
}

# Reads the guest's lines until it is done, dead, or too slow.
follow_guest() {
    local line got current='' began=${SECONDS} limit=${BOOT_LIMIT} name status seconds from why="the guest died in this test"
    from=$(stat -c %s "${SCRATCH}/console.log")
    while :; do
        if [ "${SECONDS}" -ge "${TOTAL_LIMIT}" ]; then
            echo "# the run's time limit of ${TOTAL_LIMIT} s is over"
            why="not ended when the run's time was over"
            break
        fi
        got=0
        next_line || got=$?
        if [ "${got}" -eq 0 ]; then
            case ${line} in
                '@boot '*) echo "# booted ${RELEASE} in $((SECONDS - began)) s" && limit=$((TEST_LIMIT + 60)) ;;
                '@begin '*) current=${line#@begin } && began=${SECONDS} && limit=$((TEST_LIMIT + 60)) ;;
                '@end '*)
                    read -r _ name status seconds <<<"${line}"
                    report "${name}" "${status}" "${seconds}"
                    PENDING=("${PENDING[@]:1}")
                    current='' began=${SECONDS} from=$(stat -c %s "${SCRATCH}/console.log")
                    ;;
                '@dirty '*) echo "# booting anew: ${line#@dirty }" ;;
                '@done') break ;;
                '| '* | '|') OUTPUT+=("${line:2}") ;;
                *) [ -z "${line}" ] || echo "# guest: ${line}" ;;
            esac
        elif [ "${got}" -eq 1 ]; then
            break # the guest is gone
        elif [ -n "${current}" ] && [ $((SECONDS - began)) -ge 75 ] && stuck_at_breakpoint "${from}"; then
            why="the guest hung in this test"
            break
        elif [ $((SECONDS - began)) -ge "${limit}" ]; then
            echo "# the guest says nothing for ${limit} s"
            why="the guest hung in this test"
            break
        fi
    done
    end_guest
    if [ -n "${current}" ] && [ -z "${REPEATED[${current}]:-}" ] && stuck_at_breakpoint "${from}"; then
        echo "# ${current} is run once more: the emulator kept a breakpoint of the kernel's patching (QEMU before 8.1)"
        REPEATED[${current}]=yes
        OUTPUT=()
        tail -c "+$((from + 1))" "${SCRATCH}/console.log" >>"${SCRATCH}/repeated.log"
        truncate -s "${from}" "${SCRATCH}/console.log"
    elif [ -n "${current}" ]; then
        OUTPUT+=("${why}")
        report "${current}" 1 $((SECONDS - began))
        console_tail "${from}"
        PENDING=("${PENDING[@]:1}")
    elif [ "${limit}" = "${BOOT_LIMIT}" ]; then
        console_tail "${from}"
        cat "${SCRATCH}/qemu.log" >&2
        return 1
    fi
}

run_command() {
    local line got status=1
    start_guest "${ACCEL}"
    while [ "${SECONDS}" -lt "${TOTAL_LIMIT}" ]; do
        got=0
        next_line || got=$?
        if [ "${got}" -eq 0 ]; then
            case ${line} in
                '@boot '*) ;;
                '@end '*) status=${line#@end } ;;
                '@done') break ;;
                '| '* | '|') echo "${line:2}" ;;
                *) echo "${line}" ;;
            esac
        elif [ "${got}" -eq 1 ]; then
            echo "# the guest is gone"
            console_tail 0
            break
        fi
    done
    end_guest
    return "${status}"
}

keep() {
    [ -n "${KEEP}" ] || return 0
    mkdir -p "${KEEP}"
    tr -d '\r' <"${SCRATCH}/console.log" >"${KEEP}/console.log"
    cp "${SCRATCH}/tests.log" "${KEEP}/tests.log"
    [ ! -e "${SCRATCH}/repeated.log" ] || cp "${SCRATCH}/repeated.log" "${KEEP}/repeated.log"
}

if [ -n "${COMMAND}" ]; then
    run_command
    status=$?
    keep
    exit "${status}"
fi

echo "# ${#PENDING[@]} tests, kernel ${RELEASE}, scale ${SCALE}, seed ${SEED}"
while [ ${#PENDING[@]} -gt 0 ] && [ "${SECONDS}" -lt "${TOTAL_LIMIT}" ] && [ "${BOOTS}" -lt "${BOOT_MAXIMUM}" ]; do
    BOOTS=$((BOOTS + 1))
    if [ -n "${REPEATED[${PENDING[0]}]:-}" ]; then
        # By itself, and by one thread, which has nobody to race with.
        start_guest "${ACCEL%%,*},thread=single" "${PENDING[0]}"
    else
        start_guest "${ACCEL}" "${PENDING[@]}"
    fi
    follow_guest || break
done
for name in ${PENDING[@]+"${PENDING[@]}"}; do
    OUTPUT=("not run")
    report "${name}" 1 0
done

# What slipped past the single tests, between them or at power-off.
if [ "${FAILED}" = 0 ] && tr -d '\r' <"${SCRATCH}/console.log" | grep -nE "${UNWELL}" >"${SCRATCH}/unwell"; then
    FAILED=$((FAILED + 1))
    echo "not ok the guest's kernel was unwell between the tests:"
    head -n 40 "${SCRATCH}/unwell" | sed 's/^/       : /'
fi
keep
echo "# ${BOOTS} boots, ${SECONDS} s"
echo "${PASSED} passed, ${FAILED} failed, ${SKIPPED} skipped"
[ "${FAILED}" = 0 ]
exit
}
