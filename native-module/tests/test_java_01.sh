# SPDX-License-Identifier: GPL-2.0
# shows: the Java side of the interface makes every call, and ends its waits for events at once
. "${TESTS}/lib.sh"
BRIDGE=${ROOT}/bundles/blksnap-ioctl/target
JAVA=${JAVA_HOME:+${JAVA_HOME}/bin/}java
[ -e "${BRIDGE}/test-classpath" ] || skip "the Java classes are not built: run ./mvnw -pl bundles/blksnap-ioctl -am -DskipTests package"
command -v "${JAVA}" >/dev/null || skip "there is no java"
mkdir -p "${PLACE}/jna"
load
"${JAVA}" -Xcheck:jni -XX:TieredStopAtLevel=1 -Xshare:auto -Djna.tmpdir="${PLACE}/jna" -Dseed="${SEED}" \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -cp "${BRIDGE}/classes:${BRIDGE}/test-classes:$(cat "${BRIDGE}/test-classpath")" \
    org.blksnap.ioctl.internal.module.GuestProgram "${DISK}" "${STORAGE}" "${MODULE}" >"${PLACE}/out" 2>&1 ||
    { cat "${PLACE}/out"; fail "the program"; }
cat "${PLACE}/out"
grep -q '^all done$' "${PLACE}/out" || fail "the program did not come to its end"
# JNA draws complaints of its own while it is loaded.
! sed '1,/^libraries are loaded/d' "${PLACE}/out" | grep -E 'WARNING|FATAL' || fail "the JVM complains"
unload
