#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Prints the floors of bundles: each package with the packages it names, each file with the files it
# names, and every circle. Read from the classes as they were last built.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "${HERE}/../.." && pwd)
CODE="${HERE}/src/test/java/org/blksnap/itests/architecture"

usage() {
    cat <<'END'
usage: itests/architecture/floors.sh [BUNDLE...]

Prints who names whom in the bundles (or in those named, such as: snapshot nbd), the highest package
first. They have to be built: ./mvnw -DskipTests package
END
}

case ${1:-} in
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
esac

classes=()
if [ $# -eq 0 ]; then
    classes=("${ROOT}"/bundles/blksnap-*/target/classes)
fi
for bundle in "$@"; do
    classes+=("${ROOT}/bundles/blksnap-${bundle}/target/classes")
done
for directory in "${classes[@]}"; do
    if [ ! -d "${directory}" ]; then
        echo "${directory} is not there; build it first: ./mvnw -DskipTests package" >&2
        exit 1
    fi
done

SCRATCH=$(mktemp -d)
trap 'rm -rf "${SCRATCH}"' EXIT
BIN=${JAVA_HOME:+${JAVA_HOME}/bin/}
"${BIN}javac" -d "${SCRATCH}" "${CODE}"/{ClassNames,Circles,Floors}.java
cd "${ROOT}"
"${BIN}java" -cp "${SCRATCH}" org.blksnap.itests.architecture.Floors "${classes[@]#"${ROOT}/"}"
