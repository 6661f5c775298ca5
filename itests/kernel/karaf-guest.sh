# SPDX-License-Identifier: Apache-2.0
#
# Sourced in the guest with native-module/tests/lib.sh: /dev/vda is a disk in use, /dev/vdc a backup of it, /dev/vdj a file
# system for everything else.
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

# field NAME : of the first object of a listing.
field() {
    python3 -c 'import json,sys
rows=json.load(sys.stdin)
row=rows[0] if isinstance(rows, list) else rows
value=row[sys.argv[1]]
print(value[0] if isinstance(value, list) else value)' "$1"
}

# engine_there : an engine of the kernel answers.
engine_there() {
    blksnap version --json | grep -q '"kernel"'
}

# apply IMAGE TARGET : what the change map names is copied from an image to the backup; prints how many bytes.
apply() {
    python3 -c 'import json,os,sys
rows=json.load(sys.stdin)
source=os.open(sys.argv[1], os.O_RDONLY)
target=os.open(sys.argv[2], os.O_WRONLY)
copied=0
for row in rows:
    if row["type"] == 1:
        at, end = row["offset"], row["offset"] + row["length"]
        while at < end:
            data=os.pread(source, min(1 << 20, end - at), at)
            if not data:
                raise SystemExit("the image ends at %d" % at)
            os.pwrite(target, data, at)
            at += len(data)
            copied += len(data)
os.fsync(target)
print(copied)' "$1" "$2"
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

holds "a mount point is attached" blksnap device-attach "${FILES}" --name data --engine kernel
background busy
sleep 2
blksnap snapshot data --engine kernel --directory /run/test/place --limit 600M --label first --json >/run/first || fail "no snapshot: $(cat /run/first)"
cat /run/first
holds "it is said what the image begins with" grep -q "freezes file systems on the devices itself" /run/first
image=$(field images </run/first)
uri=$(field uris </run/first)
blksnap cbt-info "${image}" --json >/run/info
point="$(field generation_id </run/info):$(field changes_number </run/info)"
holds "the image is served over NBD" qemu-img convert -n -f raw -O raw "${uri}" /dev/vdc
holds "the backup is the image's node" cmp -n "$(blockdev --getsize64 /dev/vda)" "/dev/${image}" /dev/vdc
holds "its file system is clean" e2fsck -fn /dev/vdc
mkdir -p /run/test/back && mount -o ro /dev/vdc /run/test/back
holds "its files are equal" sh -c 'cd /run/test/back && sha256sum --quiet -c /run/sums'
umount /run/test/back
blksnap snapshot-destroy "$(field id </run/first)"

sleep 3
blksnap snapshot data --engine kernel --directory /run/test/place --limit 600M --json >/run/second || fail "no second snapshot"
image=$(field images </run/second)
blksnap cbt-map "${image}" --since "${point}" --json >/run/map || fail "no change map"
copied=$(apply "/dev/${image}" /dev/vdc </run/map)
say "the increment copied ${copied} of $(blockdev --getsize64 /dev/vda) bytes"
holds "it is an increment" test "${copied}" -gt 0 -a "${copied}" -lt $((256 << 20))
holds "full and increment are the second image, byte for byte" cmp "/dev/${image}" /dev/vdc
holds "and a clean file system" e2fsck -fn /dev/vdc
blksnap snapshot-destroy "$(field id </run/second)"
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
holds "it is detached" blksnap device-detach data
blksnap bundle:stop org.blksnap.kernel
holds "the module can be unloaded once the bundle is stopped" eject
