#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The engine's own unit tests on a JDK 25, compiled by 17. Where there is no such JDK, that is said in
# a line and counts as one skipped.
set -uo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=itests/quickstart/packages.sh
. "${ROOT}/itests/quickstart/packages.sh"
MODULES=(api linux enginebase tracker chunk diffstorage device event control snapshot nbd)

usage() {
    cat <<'END'
usage: itests/jdk25.sh [BUNDLE...]

Runs the unit tests of the engine's bundles (or of those named, such as: tracker chunk) on the JDK 25
of JDK25_HOME, else the first found in /usr/lib/jvm. The last line reads: N passed, M failed, K skipped.
Maven and the JDK 17 that compiles are found as ./verify finds them.
END
}

case ${1:-} in
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
esac
[ $# -eq 0 ] || MODULES=("$@")

# Answers the home of a JDK whose java says that it is 25.
find_jdk() {
    local home
    for home in "${JDK25_HOME:-}" /usr/lib/jvm/*25*; do
        if [ -n "${home}" ] && [ -x "${home}/bin/java" ] &&
            "${home}/bin/java" -version 2>&1 | grep -q ' version "25[".]'; then
            echo "${home}"
            return
        fi
    done
    return 1
}

if ! HOME_25=$(find_jdk); then
    echo "jdk25: skipped: no JDK 25 in JDK25_HOME=${JDK25_HOME:-} or /usr/lib/jvm/*25*"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi

echo "jdk25: $("${HOME_25}/bin/java" -version 2>&1 | sed -n 's/.* \(Runtime Environment.*\)/\1/p') in ${HOME_25}"
LIST=$(printf ',blksnap-%s' "${MODULES[@]}")
for module in "${MODULES[@]}"; do
    rm -rf "${ROOT}/bundles/blksnap-${module}/target/jdk25-reports"
done
cd "${ROOT}" || exit 1
need_jdk_17
need_maven
STATUS=0
LOG=$(mktemp "${TMPDIR:-/tmp}/jdk25.XXXXXX")
trap 'rm -f "${LOG}"' EXIT
maven "${LOG}" --quiet --fail-at-end -f bundles/pom.xml -Djdk25.home="${HOME_25}" -pl "${LIST#,}" test || STATUS=$?
[ "${STATUS}" -eq 0 ] || grep -F '[ERROR]' "${LOG}" | head -n 60

python3 - "${MODULES[@]}" <<'END' || STATUS=1
import pathlib
import sys
import xml.etree.ElementTree as tree

passed = failed = skipped = 0
missing = []
for module in sys.argv[1:]:
    reports = sorted(pathlib.Path(f"bundles/blksnap-{module}/target/jdk25-reports").glob("TEST-*.xml"))
    if not reports:
        missing.append(module)
    for report in reports:
        root = tree.parse(report).getroot()
        version = next(p.get("value") for p in root.iter("property") if p.get("name") == "java.specification.version")
        if version != "25":
            sys.exit(f"jdk25: {report} was made by Java {version}")
        for case in root.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print("failed:", f"{case.get('classname')}.{case.get('name')}")
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
if missing:
    print("jdk25: no test was run of:", ", ".join(missing))
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or missing or not passed else 0)
END
exit "${STATUS}"
