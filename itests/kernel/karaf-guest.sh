# SPDX-License-Identifier: Apache-2.0
#
# Sourced in the guest with native-module/tests/lib.sh: /dev/vda is a disk in use, /dev/vdj a file system for storage and
# backup.
HOME_OF_IT=/opt/blksnap
FILES=/run/test/data
PASSED=0
FAILED=0
export BLKSNAP_JVM_OPTS="-XX:TieredStopAtLevel=1"

blksnap() {
    "${HOME_OF_IT}/bin/blksnap" "$@"
}

# holds WHAT COMMAND… : counts whether the command succeeds.
holds() {
    local what=$1
    shift
    if "$@"; then
        PASSED=$((PASSED + 1)) && say "ok: ${what}"
    else
        FAILED=$((FAILED + 1)) && say "NOT OK: ${what} ($*)"
    fi
}

finish() {
    local line
    trap - EXIT
    [ "${FAILED}" = 0 ] || tail -n 40 "${HOME_OF_IT}/data/log/karaf.log"
    stop_children
    blksnap stop >/dev/null 2>&1
    awk '$2 ~ /^\/run\/test\// {print $2}' /proc/mounts | sort -r | while read -r line; do umount -l "${line}"; done
    echo "${PASSED} passed, ${FAILED} failed, 0 skipped"
}
trap finish EXIT
trap 'FAILED=$((FAILED + 1)); exit 1' TERM

# engine_there : an engine of the kernel answers.
engine_there() {
    blksnap version --json | grep -q '"kernel"'
}

# parameter_is NAME VALUE : the module has it.
parameter_is() {
    [ "$(cat "/sys/module/blksnap/parameters/$1")" = "$2" ]
}

# shows NAME VALUE : the shell does.
shows() {
    blksnap parameter-list --engine kernel --json | python3 -c 'import json,sys
rows={row["name"]: row["value"] for row in json.load(sys.stdin)}
sys.exit(0 if rows[sys.argv[1]] == int(sys.argv[2]) else 1)' "$1" "$2"
}

busy() {
    local n=0
    while :; do
        n=$((n + 1))
        dd if=/dev/urandom of="${FILES}/busy/$((n % 40))" bs=16k count=$((n % 7 + 1)) conv=fsync status=none
    done
}

mkfs.ext4 -q -F /dev/vda && mkdir -p "${FILES}" && mount /dev/vda "${FILES}" || fail "no file system"
mkfs.ext4 -q -F /dev/vdj && mkdir -p /run/test/place && mount /dev/vdj /run/test/place || fail "no place"
mkdir "${FILES}/busy" && cp -r /usr/lib/python3/dist-packages /usr/share/doc/bash "${FILES}/" 2>/dev/null
cp -r "${TESTS}" "${FILES}/tests"
sync
(cd "${FILES}" && find . -path ./busy -prune -o -type f -print0 | sort -z | xargs -0 sha256sum) >/run/sums
say "$(wc -l </run/sums) files on a mounted ext4"
mkdir -p "${HOME_OF_IT}" && tar -C "${HOME_OF_IT}" --strip-components=1 -xzf "${ARCHIVE}" || fail "no distribution"
blksnap start && blksnap wait-ready 300 || fail "not ready"
say "the distribution runs"

holds "the feature is installed without a network" blksnap feature:install blksnap-kernel
holds "doctor says that no module is loaded" sh -c "${HOME_OF_IT}/bin/blksnap doctor | grep -i 'module' | grep -iq 'no \|not '"
insmod "${MODULE}" || fail "insmod"
await 60 "the engine" engine_there
holds "the engine is found without a restart" engine_there

cd "${HOME_OF_IT}" || fail "no ${HOME_OF_IT}"
export SOURCE=${FILES} SPACE=/run/test/place TARGET=/run/test/place/root.raw
# Its blocks: how it is installed, where things are, a full backup, an increment.
awk '/^```sh$/ {n++; inside = 1; next} /^```$/ {inside = 0} inside {print > "/run/block." n}' "${HERE}/../../docs/KERNEL.md"
background busy
sleep 2
# What it is compared with is copied while the snapshot is still there.
sed -i 's#^bin/blksnap snapshot-destroy#compare_now; &#' /run/block.3 /run/block.4

# compare_now : the backup is the image, byte for byte, and both are as they should be.
compare_now() {
    sync
    holds "the backup is the image, byte for byte" cmp "/dev/${IMAGE}" "${TARGET}"
    holds "its file system is clean" e2fsck -fn "${TARGET}"
}
. /run/block.3
cat "${TARGET}.taken"
holds "it is said what the image begins with" grep -q "freezes file systems on the devices itself" "${TARGET}.taken"
mkdir -p /run/test/back && mount -o ro,loop,noload "${TARGET}" /run/test/back
holds "its files are equal" sh -c 'cd /run/test/back && sha256sum --quiet -c /run/sums'
umount /run/test/back
sleep 3
. /run/block.4
named=$(python3 -c 'import json; print(sum(row["length"] for row in json.load(open("/run/test/place/root.raw.map")) if row["type"]))')
say "the increment named ${named} of $(blockdev --getsize64 /dev/vda) bytes"
holds "it is an increment" test "${named}" -gt 0 -a "${named}" -lt $((256 << 20))
stop_children

blksnap config:property-set --pid org.blksnap.parameters.kernel chunk_maximum_in_queue 24
await 30 "the parameter in sysfs" parameter_is chunk_maximum_in_queue 24
holds "a parameter set in Karaf is in sysfs" parameter_is chunk_maximum_in_queue 24
echo 31 >/sys/module/blksnap/parameters/free_diff_buffer_pool_size
holds "one set in sysfs is shown" shows free_diff_buffer_pool_size 31
sleep 5
holds "and not overwritten" parameter_is free_diff_buffer_pool_size 31
holds "doctor finds nothing that hurts" blksnap doctor
holds "doctor knows every configuration" sh -c "! ${HOME_OF_IT}/bin/blksnap doctor | grep -q 'read by nobody'"
holds "it is detached" blksnap device-detach root
sleep 2
holds "the module can be unloaded" eject
