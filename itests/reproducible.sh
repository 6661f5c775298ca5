#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the bundles twice, in two places and surroundings, and compares the checksums of the jars.
set -uo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SOURCES="${ROOT}"
# shellcheck source=itests/quickstart/packages.sh
. "${ROOT}/itests/quickstart/packages.sh"

usage() {
    cat <<'END'
usage: itests/reproducible.sh [--built] [BUNDLE...]

Copies the sources of the bundles (or of those named, such as: api tracker) to two scratch directories,
builds them there without tests, once with another time zone, language and umask, and compares the jars.
The last line reads: N passed, M failed, 0 skipped, a bundle each.

  --built   compare with the jars that stand in bundles/*/target instead of building the first time
END
}

BUILT=
BUNDLES=()
while [ $# -gt 0 ]; do
    case $1 in
        --built) BUILT=yes ;;
        -h | --help) usage && exit 0 ;;
        -*) usage >&2 && exit 2 ;;
        *) BUNDLES+=("$1") ;;
    esac
    shift
done
if [ ${#BUNDLES[@]} -eq 0 ]; then
    for folder in "${SOURCES}"/bundles/blksnap-*/; do
        folder=${folder%/}
        BUNDLES+=("${folder##*/blksnap-}")
    done
fi
LIST=$(printf ',blksnap-%s' "${BUNDLES[@]}")

need_jdk_17
need_maven
SCRATCH=$(mktemp -d "${TMPDIR:-/var/tmp}/blksnap-reproducible.XXXXXX")
trap 'rm -rf "${SCRATCH}"' EXIT

# copy_and_build PLACE: -am, since a bundle built alone would take its neighbours from elsewhere.
copy_and_build() {
    mkdir -p "$1"
    tar -C "${SOURCES}" --exclude=target -cf - pom.xml mvnw .mvn bundles | tar -C "$1" --no-same-permissions -xf - || return 1
    local status=0
    ROOT=$1
    maven "$1/maven.log" -f bundles/pom.xml -DskipTests -Dspotless.check.skip=true -pl "${LIST#,}" -am package || status=$?
    ROOT=${SOURCES}
    [ "${status}" -eq 0 ] || grep -F '[ERROR]' "$1/maven.log" | head -n 40
    return "${status}"
}

FIRST=${SOURCES}
if [ -z "${BUILT}" ]; then
    FIRST="${SCRATCH}/first"
    copy_and_build "${FIRST}" || exit 1
fi
SECOND="${SCRATCH}/a/second place"
(
    umask 077
    export TZ=Asia/Kathmandu LC_ALL=C
    copy_and_build "${SECOND}"
) || exit 1

passed=0 failed=0
for bundle in "${BUNDLES[@]}"; do
    name="bundles/blksnap-${bundle}/target"
    one=$(cd "${FIRST}/${name}" 2>/dev/null && sha256sum blksnap-"${bundle}"-[0-9]*.jar | grep -vE -- '-(tests|sources|javadoc)\.jar$')
    other=$(cd "${SECOND}/${name}" 2>/dev/null && sha256sum blksnap-"${bundle}"-[0-9]*.jar | grep -vE -- '-(tests|sources|javadoc)\.jar$')
    if [ -n "${one}" ] && [ "${one}" = "${other}" ]; then
        passed=$((passed + 1))
        echo "same ${one}"
    else
        failed=$((failed + 1))
        echo "DIFFERENT ${bundle}: ${one:-no jar} and ${other:-no jar}"
    fi
done
echo "reproducible: ${passed} passed, ${failed} failed, 0 skipped"
[ "${failed}" -eq 0 ]
