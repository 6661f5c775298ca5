#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every test_*.py against a distribution that is unpacked, started, and at the end stopped and
# removed here. One behaviour a script; each leaves the distribution running and empty.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "${HERE}/../.." && pwd)
export PATH="${PATH}:/usr/sbin:/sbin"
export PYTHONDONTWRITEBYTECODE=1

# Longest waits, seconds.
START_LIMIT=180
TEST_LIMIT=600

usage() {
    cat <<'END_OF_USAGE'
usage: itests/acceptance/run.sh [--dist DIR|TAR.GZ] [--kills N] [--rounds N] [--keep] [TEST...]

  --dist     the distribution, packed or unpacked (karaf-dist/target/karaf-dist-*.tar.gz)
  --kills N  how often test_kill kills the JVM (3)
  --rounds N how often test_hot_swap updates each bundle (2)
  --keep     leaves the scratch directory and says where it is
  TEST       names of scripts, with or without test_ and .py; all of them where none is given
END_OF_USAGE
}

DIST=
KEEP=
export ACCEPTANCE_KILLS=3 ACCEPTANCE_ROUNDS=2
TESTS=()
while [ $# -gt 0 ]; do
    case $1 in
        --dist) DIST=${2:?--dist needs a directory or an archive} && shift ;;
        --kills) ACCEPTANCE_KILLS=${2:?--kills needs a number} && shift ;;
        --rounds) ACCEPTANCE_ROUNDS=${2:?--rounds needs a number} && shift ;;
        --keep) KEEP=yes ;;
        -h | --help) usage && exit 0 ;;
        -*) usage >&2 && exit 2 ;;
        *)
            name=${1##*/} && name=${name#test_} && name=${name%.py}
            [ -e "${HERE}/test_${name}.py" ] || { echo "no test ${HERE}/test_${name}.py" >&2 && exit 2; }
            TESTS+=("${HERE}/test_${name}.py")
            ;;
    esac
    shift
done
[ ${#TESTS[@]} -gt 0 ] || TESTS=("${HERE}"/test_*.py)
if [ -z "${DIST}" ]; then
    ARCHIVES=("${ROOT}"/karaf-dist/target/karaf-dist-*.tar.gz)
    DIST=${ARCHIVES[0]}
fi
export ACCEPTANCE_DIST=${DIST}
[ -e "${DIST}" ] || { echo "no distribution at ${DIST}: build it, or give one with --dist" >&2 && exit 2; }

SCRATCH=$(mktemp -d "${TMPDIR:-/var/tmp}/blksnap-acceptance.XXXXXX")
cleanup() {
    local status=$?
    trap - EXIT
    [ ! -x "${SCRATCH}/blksnap/bin/blksnap" ] || "${SCRATCH}/blksnap/bin/blksnap" stop >/dev/null 2>&1
    if [ -n "${KEEP}" ]; then echo "kept: ${SCRATCH}"; else rm -rf "${SCRATCH}"; fi
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
export BLKSNAP_HOME="${SCRATCH}/blksnap"

# Starts the distribution where it does not run: a test may have ended between stop and start.
ensure_running() {
    "${BLKSNAP_HOME}/bin/blksnap" status >/dev/null 2>&1 && return
    "${BLKSNAP_HOME}/bin/blksnap" start >/dev/null 2>&1
    "${BLKSNAP_HOME}/bin/blksnap" wait-ready "${START_LIMIT}"
}

passed=0 failed=0 skipped=0
for test in "${TESTS[@]}"; do
    name=$(basename "${test}" .py)
    ensure_running || { failed=$((failed + 1)) && echo "FAIL ${name}: the distribution does not run" && continue; }
    export ACCEPTANCE_WORK="${SCRATCH}/${name}"
    mkdir -p "${ACCEPTANCE_WORK}"
    status=0 begin=${SECONDS}
    timeout "$((TEST_LIMIT + 60 * ACCEPTANCE_KILLS))" python3 "${test}" >"${SCRATCH}/${name}.log" 2>&1 </dev/null || status=$?
    case ${status} in
        0) passed=$((passed + 1)) && word=ok ;;
        77) skipped=$((skipped + 1)) && word=SKIP ;;
        *) failed=$((failed + 1)) && word=FAIL ;;
    esac
    echo "${word} ${name} ($((SECONDS - begin)) s)"
    sed 's/^/    /' "${SCRATCH}/${name}.log"
    if [ "${word}" = FAIL ]; then
        echo "    ---- last warnings of the distribution's log"
        grep -E 'WARN|ERROR' -A3 "${BLKSNAP_HOME}/data/log/karaf.log" | tail -n 30 | cut -c1-400 | sed 's/^/    /'
    fi
    [ -n "${KEEP}" ] || rm -rf "${ACCEPTANCE_WORK}"
done
echo "acceptance: ${passed} passed, ${failed} failed, ${skipped} skipped"
[ "${failed}" -eq 0 ]
