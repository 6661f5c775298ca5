#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the benchmarks of single parts with short settings and prints the goals P6, P7, and those of the bridge to a kernel module (JNA), a line each.
# Exit status: 0 every goal met, 1 one missed, 2 something needed is not there.
#
#   itests/bench/run-jmh.sh [--quick] [--no-build] [NAMES]     NAMES: only benchmarks that match, e.g. MarkBench
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
iterations=5
build=yes
names=Bench
for word in "$@"; do
  case $word in
    --quick) iterations=2 ;;
    --no-build) build=no ;;
    -*)
      sed -n 's/^# \{0,1\}//p' "$0" | sed 1,2d >&2
      exit 2
      ;;
    *) names=$word ;;
  esac
done

if [ "$build" = yes ]; then
  (cd "$root" && ./mvnw -q -pl itests/bench -am -DskipTests package) >&2
fi
if [ ! -r "$here/target/classpath" ]; then
  echo "run-jmh.sh: $here/target/classpath is not there: run without --no-build" >&2
  exit 2
fi
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
classpath=$here/target/classes:$(cat "$here/target/classpath")
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/blksnap-jmh.XXXXXX")
# A file of 1 PiB: ext4 does not take one, tmpfs does, and it costs nothing there.
sparse=${BENCH_SPARSE_DIR:-/dev/shm}
trap 'rm -rf "$scratch"' EXIT
status=0

"$java" -cp "$classpath" -Djava.io.tmpdir="$scratch" -Djmh.ignoreLock=true -Dbench.iterations="$iterations" \
  -Dorg.slf4j.simpleLogger.defaultLogLevel=warn org.blksnap.bench.BenchMain "$names" || status=1
if [ "$names" = Bench ]; then
  "$java" -Xmx512m -cp "$classpath" -Djava.io.tmpdir="$scratch" \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn org.blksnap.bench.AttachCost "$sparse" || status=1
fi
exit "$status"
