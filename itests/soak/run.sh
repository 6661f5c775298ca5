#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Soaks a distribution that is unpacked, started, and at the end stopped and removed here.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "${HERE}/../.." && pwd)
export PATH="${PATH}:/usr/sbin:/sbin"
export PYTHONDONTWRITEBYTECODE=1
# The module nbd belongs to the system's Python.
PYTHON=/usr/bin/python3

usage() {
    cat <<'END_OF_USAGE'
usage: itests/soak/run.sh --minutes N [--seed S] [--dist DIR|TAR.GZ] [--no-faults] [--planted] [--keep]

  --minutes N  how long random operations go on (a last check follows)
  --seed S     the same sequence of operations as a run that printed this seed
  --dist       the distribution, packed or unpacked (karaf-dist/target/karaf-dist-*.tar.gz)
  --no-faults  operations, updates, kills and restarts alone: clocks, storage and files stay as they are
  --planted    writes past the running server, too, and ends well as soon as that was noticed: a proof of the soak
  --keep       leaves the scratch directory and says where it is

The last line is the sum: N passed, M failed, K skipped. The exit status is 0 where nothing failed.
END_OF_USAGE
}

DIST=
KEEP=
MINUTES=
OPTIONS=()
while [ $# -gt 0 ]; do
    case $1 in
        --minutes) MINUTES=${2:?--minutes needs a number} && shift ;;
        --seed) OPTIONS+=(--seed "${2:?--seed needs a number}") && shift ;;
        --dist) DIST=${2:?--dist needs a directory or an archive} && shift ;;
        --no-faults | --planted) OPTIONS+=("$1") ;;
        --keep) KEEP=yes ;;
        -h | --help) usage && exit 0 ;;
        *) usage >&2 && exit 2 ;;
    esac
    shift
done
[ -n "${MINUTES}" ] || { usage >&2 && exit 2; }
if [ -z "${DIST}" ]; then
    ARCHIVES=("${ROOT}"/karaf-dist/target/karaf-dist-*.tar.gz)
    DIST=${ARCHIVES[0]}
fi
[ -e "${DIST}" ] || { echo "no distribution at ${DIST}: build it, or give one with --dist" >&2 && exit 2; }
"${PYTHON}" -c 'import nbd' || { echo "no module nbd for ${PYTHON}: install it (Debian: apt-get install python3-libnbd)" >&2 && exit 2; }

# An oracle that notices nothing would prove nothing.
"${PYTHON}" "${HERE}/test_oracle.py" 2>&1 | tail -n 1 | grep -qx OK || { echo "the oracle's own test fails: ${HERE}/test_oracle.py" >&2 && exit 2; }

SCRATCH=$(mktemp -d "${TMPDIR:-/var/tmp}/blksnap-soak.XXXXXX")
CHILD=
cleanup() {
    local status=$?
    trap - EXIT INT TERM
    [ -z "${CHILD}" ] || { kill "${CHILD}" 2>/dev/null && wait "${CHILD}"; }
    # A rule that is stuck would hold the stop up.
    BLKSNAP_FAULTS="${SCRATCH}/work/faults.control" "${ROOT}/itests/faults/faultctl" clear 2>/dev/null
    if [ -x "${SCRATCH}/blksnap/bin/blksnap" ] && ! timeout 90 "${SCRATCH}/blksnap/bin/blksnap" stop >/dev/null 2>&1; then
        kill -9 "$(sed -n 's/^item\.0\.pid *= *//p' "${SCRATCH}/blksnap/instances/instance.properties")" 2>/dev/null
    fi
    losetup -n -O NAME,BACK-FILE 2>/dev/null | awk -v here="${SCRATCH}/" 'index($2, here) == 1 { print $1 }' | while read -r loop; do
        losetup -d "${loop}"
    done
    if [ -n "${KEEP}" ]; then echo "kept: ${SCRATCH}" >&2; else rm -rf "${SCRATCH}"; fi
    exit "${status}"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -d "${DIST}" ]; then
    # Without what an instance that has run there left behind.
    mkdir "${SCRATCH}/blksnap"
    tar -C "${DIST}" --exclude=./data --exclude=./instances -cf - . | tar -C "${SCRATCH}/blksnap" -xf -
else
    tar -C "${SCRATCH}" -xzf "${DIST}"
fi
mkdir "${SCRATCH}/work"
make -s -C "${ROOT}/itests/faults" OUT="${SCRATCH}/faults" || exit 2

"${PYTHON}" "${HERE}/soak.py" --minutes "${MINUTES}" --home "${SCRATCH}/blksnap" --work "${SCRATCH}/work" \
    --library "${SCRATCH}/faults/libfaults.so" ${OPTIONS[@]+"${OPTIONS[@]}"} &
CHILD=$!
wait "${CHILD}"
STATUS=$?
CHILD=
if [ "${STATUS}" -ne 0 ]; then
    echo "---- last warnings of the distribution's log" >&2
    grep -E '\| (WARN|ERROR) ' -A2 "${SCRATCH}/blksnap/data/log/karaf.log" | tail -n 40 | cut -c1-400 >&2
fi
exit "${STATUS}"
