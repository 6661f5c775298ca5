#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test_*.sh and test_*.py with independent clients against one server.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# nbd-client lives in sbin.
export PATH=$PATH:/usr/sbin:/sbin PYTHONDONTWRITEBYTECODE=1
# Longest time of one script, seconds.
limit=300

usage() {
  cat <<'END'
usage: itests/interop/run.sh [--dist DIR] [TEST...]

  --dist DIR  a running distribution: a device of its own is attached, snapshotted and served
              there, and its NBD configuration is changed and put back by some tests.
              Without: a plain test server on a scratch file (needs the classes that the nbd
              bundle's build leaves)
  TEST        names of scripts, with or without test_ and suffix; all of them where none is given
END
}

dist='' tests=()
while [ $# -gt 0 ]; do
  case $1 in
    --dist) dist=${2:?--dist needs a directory} && shift ;;
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
    *)
      name=${1##*/} && name=${name#test_} && name=${name%.*}
      found=("$here/test_$name".*)
      [ -e "${found[0]}" ] || { echo "no test $here/test_$name.*" >&2 && exit 2; }
      tests+=("${found[0]}")
      ;;
  esac
  shift
done
[ ${#tests[@]} -gt 0 ] || tests=("$here"/test_*.sh "$here"/test_*.py)

# The Python that carries the libnbd module.
python=python3
for candidate in /usr/bin/python3 python3; do
  if "$candidate" -c 'import nbd' 2>/dev/null; then python=$candidate && break; fi
done

work=$(mktemp -d "${TMPDIR:-/var/tmp}/blksnap-interop.XXXXXX")
server='' snapshot=''
cleanup() {
  local status=$?
  trap - EXIT
  if [ -n "$server" ]; then exec 9>&-; wait "$server" 2>/dev/null; fi
  if [ -n "$dist" ]; then
    [ -z "$snapshot" ] || "$dist/bin/blksnap" snapshot-destroy "$snapshot" >/dev/null
    "$dist/bin/blksnap" device-detach interop >/dev/null
  fi
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

field() { "$python" -c 'import json, sys; print(eval(sys.argv[1], {"it": json.load(sys.stdin)}))' "$1"; }

# Data, holes and zeroes.
fill() {
  truncate -s 128M "$1"
  dd if=/dev/urandom of="$1" bs=1M count=24 conv=notrunc status=none
  dd if=/dev/urandom of="$1" bs=64K count=16 seek=1000 conv=notrunc status=none
  dd if=/dev/zero of="$1" bs=1M count=4 seek=80 conv=notrunc status=none
}

serve_distribution() {
  "$dist/bin/blksnap" device-attach "$work/disk.img" --name interop --once >/dev/null || return 1
  local first uri
  first=$("$dist/bin/blksnap" snapshot interop --memory 64M --json | field 'it["id"]') || return 1
  uri=$("$dist/bin/blksnap" export-list --json | field 'next(e["uri"] for e in it if e["name"] == "interop")') || return 1
  export NBD_SOCKET=${uri##*socket=} NBD_EXPORT=interop BLKSNAP_HOME=$dist
  # Something for the change map: whole blocks, parts of blocks, a discard.
  qemu-io -f raw -c 'write -P 1 0 64k' -c 'write -P 2 1000000 5' -c 'write -P 3 20M 3M' -c 'discard 24M 1M' \
    -c 'write -P 4 134217727 1' "$uri" >/dev/null || return 1
  "$dist/bin/blksnap" snapshot-destroy "$first" >/dev/null || return 1
  mkdir "$work/diff"
  cp --sparse=always "$work/disk.img" "$work/taken.img"
  "$dist/bin/blksnap" snapshot interop --directory "$work/diff" --limit 1G --json >"$work/snapshot.json" || return 1
  snapshot=$(field 'it["id"]' <"$work/snapshot.json")
  NBD_IMAGE=$(field 'it["images"][0]' <"$work/snapshot.json")
  export NBD_IMAGE
}

serve_test_server() {
  local m2=${MAVEN_REPOSITORY:-$HOME/.m2/repository} path
  path=$root/bundles/blksnap-nbd/target/classes:$root/bundles/blksnap-nbd/target/test-classes
  path=$path:$root/bundles/blksnap-api/target/classes
  path=$path:$(find "$m2/org/slf4j" -name 'slf4j-api-1.7*.jar' | head -1)
  path=$path:$(find "$m2/org/osgi" -name 'org.osgi.framework-*.jar' | head -1)
  cp --sparse=always "$work/disk.img" "$work/taken.img"
  cp --sparse=always "$work/disk.img" "$work/image.img"
  mkfifo "$work/control"
  "${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "$path" org.blksnap.nbd.internal.NbdTestServer \
    "$work/disk.img" "$work/s/nbd.sock" disk image "$work/image.img" kept "$work/taken.img" <"$work/control" >"$work/log" 2>&1 &
  server=$!
  exec 9>"$work/control"
  for _ in $(seq 300); do
    grep -q ready "$work/log" && break
    sleep 0.1
  done
  grep -q ready "$work/log" || { cat "$work/log" >&2 && return 1; }
  export NBD_SOCKET=$work/s/nbd.sock NBD_EXPORT=disk NBD_IMAGE=image NBD_SOURCE=kept NBD_CONTROL=$work/control
}

export NBD_TAKEN=$work/taken.img NBD_FILE=$work/disk.img NBD_PKI=$work/pki
fill "$work/disk.img"
"$here/pki.sh" "$work/pki" || { echo "no keys: openssl or keytool failed" >&2 && exit 1; }
if [ -n "$dist" ]; then serve_distribution; else serve_test_server; fi || { echo "nothing to test" >&2 && exit 1; }

said=$work/said
passed=0 failed=0 skipped=0
for test in "${tests[@]}"; do
  name=$(basename "$test") status=0
  case $name in
    *.py)
      # A script of several tests, which tells of each by itself.
      timeout "$limit" "$python" "$test" >"$said" 2>&1 </dev/null || status=$?
      cat "$said"
      passed=$((passed + $(grep -c '^ok ' "$said")))
      skipped=$((skipped + $(grep -c '^SKIP ' "$said")))
      fails=$(grep -c '^FAIL ' "$said")
      if [ "$status" -ne 0 ] && [ "$fails" -eq 0 ]; then
        fails=1
        echo "FAIL ${name%.py}: exit status $status"
      fi
      failed=$((failed + fails))
      ;;
    *)
      timeout "$limit" "$test" >"$said" 2>&1 </dev/null || status=$?
      case $status in
        0) passed=$((passed + 1)) word=ok ;;
        77) skipped=$((skipped + 1)) word=SKIP ;;
        *) failed=$((failed + 1)) word=FAIL ;;
      esac
      echo "$word ${name%.sh}"
      [ "$word" = ok ] || sed 's/^/    /' "$said"
      ;;
  esac
done
echo "interop: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
