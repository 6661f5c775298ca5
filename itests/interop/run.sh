#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test_*.sh against a server: the one NBD_SOCKET and NBD_EXPORT name, or else a plain
# test server on a scratch file (needs the classes that the nbd bundle's build leaves).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
if [ -z "${NBD_SOCKET:-}" ]; then
  work=$(mktemp -d)
  truncate -s 128M "$work/disk.img"
  m2=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
  path=$root/bundles/blksnap-nbd/target/classes:$root/bundles/blksnap-nbd/target/test-classes
  path=$path:$root/bundles/blksnap-api/target/classes
  path=$path:$(find "$m2/org/slf4j" -name 'slf4j-api-1.7*.jar' | head -1)
  mkfifo "$work/hold"
  java -cp "$path" org.blksnap.nbd.internal.NbdTestServer \
    "$work/disk.img" "$work/s/nbd.sock" disk <"$work/hold" >"$work/log" 2>&1 &
  server=$!
  exec 9>"$work/hold"
  trap 'exec 9>&-; wait $server 2>/dev/null; rm -rf "$work"' EXIT
  for _ in $(seq 300); do grep -q ready "$work/log" && break; sleep 0.1; done
  grep -q ready "$work/log" || { cat "$work/log" >&2; exit 1; }
  export NBD_SOCKET=$work/s/nbd.sock NBD_EXPORT=disk
fi
said=$(mktemp "${TMPDIR:-/tmp}/interop.XXXXXX")
passed=0 failed=0 skipped=0
for test in "$here"/test_*.sh; do
  if timeout 300 "$test" >"$said" 2>&1; then
    passed=$((passed + 1)); word=ok
  elif [ $? -eq 77 ]; then
    skipped=$((skipped + 1)); word=SKIP
  else
    failed=$((failed + 1)); word=FAIL
  fi
  echo "$word $(basename "$test" .sh)"
  [ $word = ok ] || sed 's/^/    /' "$said"
done
rm -f "$said"
echo "interop: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
