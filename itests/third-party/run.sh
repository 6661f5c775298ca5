#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the commands of docs/THIRD-PARTY.md as they stand there, and compares what they print with what
# it says that they print.
set -uo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HERE="${ROOT}/itests/third-party"
# shellcheck source=itests/quickstart/packages.sh
. "${ROOT}/itests/quickstart/packages.sh"

# Bounds, seconds.
START_LIMIT=180
BLOCK_LIMIT=300

usage() {
    cat <<'END'
usage: itests/third-party/run.sh [--dist DIR] [--keep]

Makes the project of the archetype, builds and tests it, installs it into a distribution, runs its
command before and after writes over NBD, and compares the copy with the device: every block of
commands in docs/THIRD-PARTY.md, in order, in one shell. Needs what ./mvnw package leaves. The last
line reads: third-party: N passed, M failed, K skipped, a block each and one for what it left.

  --dist DIR  a running distribution; without, one is started and stopped
  --keep      leave the scratch directory
END
}

BLKSNAP='' KEEP=''
while [ $# -gt 0 ]; do
    case $1 in
        --dist) BLKSNAP=${2:?--dist needs a directory} && shift ;;
        --keep) KEEP=yes ;;
        -h | --help) usage && exit 0 ;;
        *) usage >&2 && exit 2 ;;
    esac
    shift
done

need_jdk_17
need_maven
need python3:python3 qemu-io:qemu-utils nbdcopy:libnbd-bin
SCRATCH=$(mktemp -d "${TMPDIR:-/var/tmp}/blksnap-third-party.XXXXXX")
STARTED=''
cleanup() {
    trap - EXIT
    [ -z "${STARTED}" ] || "${BLKSNAP}/bin/blksnap" stop >/dev/null 2>&1
    if [ -n "${KEEP}" ]; then say "kept: ${SCRATCH}"; else rm -rf "${SCRATCH}"; fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The local repository that `./mvnw install` would have filled, made of what the build left, and a Maven with
# it. It is new, so nothing is taken that an earlier build left in yours; what others have made comes
# from yours where it lies there, else from Central.
python3 "${HERE}/repository.py" "${ROOT}" "${SCRATCH}" "${MAVEN_REPOSITORY:-${HOME}/.m2/repository}" || exit 1
mkdir "${SCRATCH}/bin" "${SCRATCH}/work"
MAVEN=$(command -v "${MAVEN}")
cat >"${SCRATCH}/bin/mvn" <<END
#!/bin/sh
exec "${MAVEN}" --settings "${SCRATCH}/settings.xml" -Dmaven.repo.local="${SCRATCH}/local" --no-transfer-progress "\$@"
END
chmod +x "${SCRATCH}/bin/mvn"
export PATH="${SCRATCH}/bin:${PATH}"

if [ -z "${BLKSNAP}" ]; then
    say "starting a distribution"
    tar -xzf "${ROOT}"/karaf-dist/target/karaf-dist-*.tar.gz -C "${SCRATCH}" || exit 1
    BLKSNAP="${SCRATCH}/blksnap"
    STARTED=yes
    "${BLKSNAP}/bin/blksnap" start >/dev/null 2>&1
    "${BLKSNAP}/bin/blksnap" wait-ready "${START_LIMIT}" || exit 1
fi
export BLKSNAP

passed=0 failed=0
python3 "${HERE}/blocks.py" "${ROOT}/docs/THIRD-PARTY.md" "${SCRATCH}/blocks" || exit 1
echo "cd '${SCRATCH}/work'" >"${SCRATCH}/state"
for block in "${SCRATCH}"/blocks/*.sh; do
    name=$(basename "${block}" .sh)
    begin=${SECONDS}
    status=0
    # The next block goes on in the directory and with the variables of this one.
    timeout --kill-after 10 "${BLOCK_LIMIT}" bash -euc '
        . "$1"
        . "$2"
        { printf "cd %q\n" "$PWD"; [ -z "${URI:-}" ] || printf "URI=%q\n" "$URI"; } >"$1"' \
        block "${SCRATCH}/state" "${block}" >"${SCRATCH}/said" 2>&1 </dev/null || status=$?
    why="status ${status}"
    if [ "${status}" -eq 0 ] && [ -e "${block%.sh}.expect" ] &&
        ! grep -qFf "${block%.sh}.expect" "${SCRATCH}/said"; then
        status=1
        why="it did not print: $(cat "${block%.sh}.expect")"
    fi
    if [ "${status}" -eq 0 ]; then
        passed=$((passed + 1))
        say "ok   ${name} ($((SECONDS - begin)) s)"
    else
        failed=$((failed + 1))
        say "FAILED ${name}: ${why}; the end of what it said:"
        tail -n 40 "${SCRATCH}/said" | sed 's/^/         | /'
    fi
done

left=$("${BLKSNAP}/bin/blksnap" device-list --json; "${BLKSNAP}/bin/blksnap" bundle:list)
if grep -qE "${SCRATCH}|nightly" <<<"${left}"; then
    failed=$((failed + 1))
    say "FAILED nothing is left: ${left}"
    "${BLKSNAP}/bin/blksnap" device-detach disk.img >/dev/null 2>&1
    "${BLKSNAP}/bin/blksnap" bundle:uninstall com.example.nightly >/dev/null 2>&1
else
    passed=$((passed + 1))
    say "ok   nothing is left"
fi
echo "third-party: ${passed} passed, ${failed} failed, 0 skipped"
[ "${failed}" -eq 0 ]
