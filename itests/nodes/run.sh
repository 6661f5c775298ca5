#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Device nodes for real: boots a virtual machine whose kernel has the NBD client, runs engine, NBD server and nodes there
# in a plain JVM, and a file system on top. Needs root, QEMU, and the modules built (./mvnw -DskipTests -pl itests/nodes
# -am package). A test is named as in guest.sh; none means all. The last line is "N passed, M failed, K skipped".
#
#   run.sh [--kills N] [--keep-going] [--keep-log DIR] [TEST…]
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "${here}/../.." && pwd)
kills=2
going=
keep=()
wanted=()
while [ $# -gt 0 ]; do
    case $1 in
        --kills) kills=${2:?--kills N} && shift ;;
        --keep-log) keep=(--keep-log "${2:?--keep-log DIR}") && shift ;;
        --keep-going) going=yes ;;
        -h | --help) sed -n '4,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
        -*) echo "run.sh: no such option: $1" >&2 && exit 2 ;;
        *) wanted+=("$1") ;;
    esac
    shift
done

skip() {
    echo "skip: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
[ "$(id -u)" = 0 ] || skip "needs root: the virtual machine shares this machine's root file system"
command -v qemu-system-x86_64 >/dev/null || command -v apt-get >/dev/null || skip "no qemu-system-x86_64 here"
[ -e "${here}/target/class-path" ] || skip "not built: ./mvnw -DskipTests -pl itests/nodes -am package"
java=$(command -v java) || skip "no java"

# What the guest reads does not change under it, whatever is built meanwhile.
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/blksnap-nodes.XXXXXX") || exit 1
trap 'rm -rf "${scratch}"' EXIT
mkdir "${scratch}/jars"
tr ':' '\n' < <(cat "${here}/target/class-path" && echo) | while read -r jar; do cp "${jar}" "${scratch}/jars/" || exit 1; done ||
    skip "a jar of ${here}/target/class-path is not there; build anew"
cp -r "${here}/target/classes" "${here}/guest.sh" "${scratch}/" || exit 1
path="${scratch}/classes:${scratch}/jars/*"
out=${scratch}/out
"${root}/native-module/tests/run-vm.sh" --no-build --time-limit $((600 + 60 * kills)) ${keep[@]+"${keep[@]}"} \
    --shell "JAVA='${java}' CLASS_PATH='${path}' KILLS='${kills}' KEEP_GOING='${going}' bash '${scratch}/guest.sh' ${wanted[*]-}" 2>&1 | tee "${out}"
status=${PIPESTATUS[0]}
grep -qE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "${out}" || {
    echo "the guest did not come to its end (status ${status})"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}
exit "${status}"
