#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The distribution with the feature blksnap-kernel, in a virtual machine with Debian's kernel and the module: what
# docs/KERNEL.md shows, typed one after another, on a mounted and busy ext4. Needs root, QEMU, and karaf-dist built.
# The last line is "N passed, M failed, K skipped".
#
#   karaf.sh [--keep-log DIR]
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "${here}/../.." && pwd)
# Seconds for all of it; a start of Karaf takes one to two minutes under emulation.
LIMIT=900
keep=()
while [ $# -gt 0 ]; do
    case $1 in
        --keep-log) keep=(--keep-log "${2:?--keep-log DIR}") && shift ;;
        -h | --help) sed -n '4,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
        *) echo "karaf.sh: no such option: $1" >&2 && exit 2 ;;
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
archive=$(compgen -G "${root}/karaf-dist/target/karaf-dist-*.tar.gz" | head -n 1)
[ -n "${archive}" ] || skip "not built: ./mvnw -DskipTests install"

out=$(mktemp) || exit 1
trap 'rm -f "${out}"' EXIT
BLKSNAP_VM_QEMU="-m 3072 ${BLKSNAP_VM_QEMU:-}" "${root}/native-module/tests/run-vm.sh" --time-limit "${LIMIT}" \
    ${keep[@]+"${keep[@]}"} --shell "ARCHIVE='${archive}' HERE='${here}' . '${here}/karaf-guest.sh'" 2>&1 | tee "${out}"
grep -qE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "${out}" || {
    echo "the guest did not come to its end"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}
grep -qE '^[0-9]+ passed, 0 failed, ' "${out}"
