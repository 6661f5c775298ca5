#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Native programs, written for the kernel module's interface, drive the userspace engine.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
m2=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
# Longest time of one program and of the engine's start, seconds.
limit=60

usage() {
  cat <<'END'
usage: itests/native/run.sh [--dist DIR] [TEST...]

  Builds the library of native-module/shim and programs of native-module/tests, which know the interface's
  numbers alone, and starts the engine in a JVM (the bundles as they were last built, else as last installed). TEST is a name as
  the script prints it; all of them where none is given.

  --dist DIR  a running distribution, whose bundles one test updates; without it that test is skipped
END
}

dist=''
case ${1:-} in
  --dist) dist=${2:?--dist needs a directory} && shift 2 ;;
  -h | --help) usage && exit 0 ;;
  -*) usage >&2 && exit 2 ;;
esac
only=("$@")

work=$(mktemp -d "${TMPDIR:-/var/tmp}/blksnap-native.XXXXXX")
server=''
cleanup() {
  local status=$?
  trap - EXIT
  down
  rm -rf "$work"
  exit "$status"
}

class_path() {
  local path='' name jar
  for name in api linux device tracker chunk diffstorage enginebase event control snapshot testkit ioctl; do
    for jar in "$root/bundles/blksnap-$name"/target/blksnap-"$name"-*[0-9].jar "$m2/org/blksnap/blksnap-$name"/*/blksnap-"$name"-*[0-9].jar; do
      [ -e "$jar" ] && path=$path:$jar && break
    done
  done
  for jar in "$(find "$m2/org/slf4j/slf4j-api" -name 'slf4j-api-1.7*.jar' | head -1)" \
    "$(find "$m2/org/slf4j/slf4j-simple" -name 'slf4j-simple-1.7*.jar' | head -1)"; do
    path=$path:$jar
  done
  echo "${path#:}"
}

# up NAME: an engine of its own for a test.
up() {
  mkdir "$work/$1" || return 1
  mkfifo "$work/$1/orders" "$work/$1/answers"
  export BLKSNAP_SOCKET=$work/$1/control.sock BLKSNAP_PATIENCE=10000
  "${JAVA_HOME:+$JAVA_HOME/bin/}java" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$classes" EngineServer "$work/$1/engine" \
    "$BLKSNAP_SOCKET" <"$work/$1/orders" >"$work/$1/answers" 2>"$work/$1/log" &
  server=$!
  exec 8>"$work/$1/orders" 9<"$work/$1/answers"
  answered
}

down() {
  [ -n "$server" ] || return 0
  exec 8>&-
  wait "$server" 2>/dev/null
  exec 9<&-
  server=''
}

answered() {
  read -r -t "$limit" -u 9 answer || { echo "the engine does not answer" && return 1; }
  [ "${answer%% *}" = ok ] || { echo "$answer" && return 1; }
}
order() { echo "$*" >&8 && answered; }

native() { LD_PRELOAD=$library timeout "$limit" "$@"; }
blkctl() { native "$work/blkctl" "$@"; }
fail() { echo "$*" && exit 1; }
# refused ERRNO COMMAND...
refused() {
  local wanted=$1 said
  shift
  said=$(blkctl "$@" 2>&1) && fail "blkctl $* was not refused"
  case $said in *": $wanted") ;; *) fail "blkctl $*: answered '$said', expected $wanted" ;; esac
}
field() { sed -E "s/.*$1=([^ ]*).*/\1/"; }

the_version_is_that_of_the_interface() {
  [ "$(blkctl version)" = 2.0.0.0 ] || fail "another version"
}

# The whole of a backup, twice, by ioctl alone; the images against copies of the disk.
a_snapshot_from_attach_to_detach() {
  local disk=$dir/disk.img store=$dir/store.img id image generation
  truncate -s 64M "$disk" "$store"
  dd if=/dev/urandom of="$disk" bs=1M count=8 conv=notrunc status=none
  blkctl attach "$disk" && refused EALREADY attach "$disk"
  generation=$(blkctl cbtinfo "$disk" | field generation)
  [ "$(blkctl cbtinfo "$disk" | field capacity)" = 67108864 ] || fail "capacity"

  id=$(blkctl create) || fail "no snapshot"
  [ "$(blkctl collect)" = "$id" ] || fail "collect does not say $id"
  [ "$(blkctl wait "$id" 1000)" = "low_free_space 2097152" ] || fail "the first event"
  refused ENOENT wait "$id" 50
  refused ENODEV take "$id"
  blkctl add "$disk" "$id" && refused EALREADY add "$disk" "$id"
  refused EFAULT take "$id"
  refused ENOENT append "$id" "$dir/no-such-file" 0:8
  refused EINVAL append "$id" "$store" 131072:8
  blkctl append "$id" "$store" 0:65536 65536:65536 || fail "append"
  order write "$disk" 0 1048576 1 || fail "no write"
  cp "$disk" "$dir/taken.img"
  blkctl take "$id" && refused EALREADY take "$id"
  order write "$disk" 33554432 3000000 2 && order write "$disk" 4095 2 3 || fail "no write"
  image=$(blkctl info "$disk") && [ "${image% *}" = 0 ] || fail "snapshotinfo says $image"
  order image "${image#* }" "$dir/image.img" && cmp "$dir/image.img" "$dir/taken.img" || fail "the image is not what was taken"
  cmp -s "$disk" "$dir/taken.img" && fail "nothing was written to the disk"
  refused EBUSY detach "$disk"
  blkctl destroy "$id" && refused ENODEV destroy "$id" && refused ESRCH take "$id"

  # The increment: what the map names, laid over the first copy, is the second image.
  id=$(blkctl create) && blkctl add "$disk" "$id" && blkctl append "$id" "$store" 0:131072 || fail "no second snapshot"
  cp "$disk" "$dir/taken2.img"
  blkctl take "$id" || fail "no second take"
  [ "$(blkctl cbtinfo "$disk" | field generation)" = "$generation" ] || fail "another generation"
  [ "$(blkctl cbtinfo "$disk" | field changes)" = 2 ] || fail "not the second take"
  blkctl cbtmap "$disk" >"$dir/map" && [ "$(stat -c %s "$dir/map")" = 1024 ] || fail "the map's size"
  order image "$(blkctl info "$disk" | cut -d' ' -f2)" "$dir/image2.img" && cmp "$dir/image2.img" "$dir/taken2.img" ||
    fail "the second image is not what was taken"
  python3 - "$dir/map" "$dir/image2.img" "$dir/taken.img" <<'END' || fail "the map does not name what changed"
import sys

numbers, new, old = (open(name, "rb").read() for name in sys.argv[1:])
block = 65536
changed = [i for i, number in enumerate(numbers) if number > 1]
made = bytearray(old)
for i in changed:
    made[i * block : (i + 1) * block] = new[i * block : (i + 1) * block]
sys.exit(not (made == new and len(changed) == 47))
END
  blkctl cbtdirty "$disk" 131071:1 && refused EINVAL cbtdirty "$disk" 0:8 131071:2
  [ "$(blkctl cbtmap "$disk" 1023 1 | od -An -tx1 | tr -d " ")" = 02 ] || fail "cbtdirty did not mark"
  blkctl destroy "$id" && blkctl detach "$disk" && refused ENOENT detach "$disk" && refused ENOENT cbtinfo "$disk"
}

# One program waits and gives, others write: the events reach it, and the end of the snapshot does.
events_are_answered_while_writes_go_on() {
  local disk=$dir/disk.img store=$dir/store.img id feeder
  truncate -s 64M "$disk" "$store"
  blkctl attach "$disk" && id=$(blkctl create) && blkctl add "$disk" "$id" || fail "no snapshot"
  native "$work/blkctl" feed "$id" "$store" 0 131072 8192 >"$dir/fed" &
  feeder=$!
  for _ in $(seq 100); do grep -q gave "$dir/fed" && break; sleep 0.1; done
  blkctl take "$id" || fail "no take"
  order write "$disk" 0 8388608 5 || fail "no write"
  blkctl destroy "$id" || fail "destroy"
  wait "$feeder"
  grep -q '^low_free_space 2097152$' "$dir/fed" || fail "no event"
  [ "$(tail -1 "$dir/fed")" = "end ESRCH" ] || fail "the waiter was told $(tail -1 "$dir/fed")"
  blkctl detach "$disk"
}

# More is written than the storage and the buffers in memory (256 MiB at most) hold.
a_storage_that_is_full_is_told() {
  local disk=$dir/disk.img store=$dir/store.img id
  truncate -s 4M "$store"
  dd if=/dev/urandom of="$disk" bs=1M count=320 status=none
  blkctl attach "$disk" && id=$(blkctl create) && blkctl add "$disk" "$id" || fail "no snapshot"
  blkctl wait "$id" 1000 >"$dir/events" || fail "no event"
  blkctl append "$id" "$store" 0:8192 && blkctl take "$id" || fail "no take"
  for i in $(seq 0 19); do order write "$disk" $((i * 16777216)) 16777216 "$i" || fail "a live write failed"; done
  while blkctl wait "$id" 2000 >>"$dir/events" 2>/dev/null; do :; done
  grep -q '^corrupted 0:[0-9]* 28$' "$dir/events" || fail "no event of the lost image: $(cat "$dir/events") $(blkctl info "$disk")"
  [ "$(blkctl info "$disk")" = "-28 blksnap-image_0:0" ] || fail "snapshotinfo says $(blkctl info "$disk")"
  blkctl destroy "$id" && blkctl detach "$disk"
}

# The state is the engine's: neither a wait nor a snapshot is lost with the program or the socket.
an_engine_that_restarts_is_found_again() {
  local disk=$dir/disk.img store=$dir/store.img id waiter
  truncate -s 16M "$disk" && truncate -s 2G "$store"
  blkctl attach "$disk" && id=$(blkctl create) && blkctl add "$disk" "$id" && blkctl append "$id" "$store" 0:4194304 || fail "no snapshot"
  blkctl take "$id" || fail "no take"
  while blkctl wait "$id" 200 >/dev/null 2>&1; do :; done
  native "$work/blkctl" wait "$id" 30000 >"$dir/waited" 2>&1 &
  waiter=$!
  sleep 0.5
  order restart || fail "no restart"
  kill -0 "$waiter" 2>/dev/null || fail "the wait ended with the engine: $(cat "$dir/waited")"
  [ "$(blkctl collect)" = "$id" ] && [ "$(blkctl info "$disk")" = "0 blksnap-image_0:0" ] || fail "the snapshot is not there again"
  order close || fail "the socket is not closed"
  wait "$waiter"
  grep -q 'wait: EINTR' "$dir/waited" || fail "a wait at a server that stops: $(cat "$dir/waited")"
  (sleep 0.5 && echo open >&8) &
  [ "$(BLKSNAP_PATIENCE=0 blkctl version 2>&1)" = "open /dev/blksnap-control: ENOENT" ] || fail "a node without an engine"
  blkctl info "$disk" >/dev/null || fail "a call did not wait for the engine"
  answered && blkctl destroy "$id" && blkctl detach "$disk"
}

a_program_that_dies_leaves_no_thread() {
  local id waiter
  id=$(blkctl create) && blkctl wait "$id" 1000 >/dev/null || fail "no snapshot"
  for _ in 1 2 3 4; do
    LD_PRELOAD=$library "$work/blkctl" wait "$id" 600000 &
    waiter="${waiter:-} $!"
  done
  for _ in $(seq 100); do order threads && [ "$answer" = "ok 4" ] && break; sleep 0.1; done
  [ "$answer" = "ok 4" ] || fail "not four wait"
  # shellcheck disable=SC2086
  kill -9 $waiter
  for _ in $(seq 100); do order threads && [ "$answer" = "ok 0" ] && break; sleep 0.1; done
  [ "$answer" = "ok 0" ] || fail "threads of dead programs: $answer"
  blkctl destroy "$id"
}

# contract GROUP [DIFFERENCE...]: the module's contract, unchanged, with the differences FORMATS.md has, and no others.
contract() {
  local group=$1 file said differences
  shift
  for file in disk1 disk2 store; do truncate -s 64M "$dir/$file"; done
  blkctl attach "$dir/disk1" && blkctl attach "$dir/disk2" || fail "no disks"
  said=$(LD_PRELOAD="$library:$work/sizes.so" timeout "$limit" "$work/contract" "$group" "$dir/disk1" "$dir/disk2" "$dir/store" 2>&1)
  differences=$(echo "$said" | sed '$d')
  [ "$differences" = "$(printf '%s\n' "$@")" ] || fail "$said"
  echo "$said" | tail -1 | grep -qE "^$group: [0-9]{2,} checks, $# failed \(64 bits\)$" || fail "$said"
}
the_contract_of_the_control_calls() { contract control; }
the_contract_of_storage() { contract storage; }
the_contract_of_maps() { contract cbt; }
the_contract_of_snapshots() { contract snapshot; }
the_contract_of_events() { contract events; }
# The program has the disk open for writing while it attaches it again.
the_contract_of_the_filter() {
  contract filter "attach again: answered EBUSY, expected 0" "cbtinfo after attach: answered ENOENT, expected 0" \
    "a new attachment has a new generation: is not so"
}

# The module's own random calls, of several programs at once: each is answered, and none fails within the engine.
random_calls_of_several_programs() {
  local seed=${SEED:-$(date +%N)} file
  echo "seed $seed"
  for file in disk1 disk2 store; do truncate -s 64M "$dir/$file"; done
  blkctl attach "$dir/disk1" && blkctl attach "$dir/disk2" || fail "no disks"
  native "$work/fuzz" 3000 4 "$seed" "$dir/store" "$dir/disk1" "$dir/disk2" >"$dir/fuzz" 2>&1 || fail "fuzz: $(tail -3 "$dir/fuzz")"
  [ -z "$(blkctl collect)" ] || fail "snapshots are left"
  ! grep -E 'ControlDispatcher|CallConnection|Exception' "$dir/log" || fail "calls failed within"
}

# In a distribution: the engine's update goes on beneath a wait, that of the socket's bundle ends it and no more.
updated_bundles_lose_neither_wait_nor_snapshot() {
  local disk=$dir/disk.img store=$dir/store.img id waiter
  export BLKSNAP_SOCKET=$dist/data/blksnap/control.sock BLKSNAP_PATIENCE=20000
  truncate -s 16M "$disk" && truncate -s 2G "$store"
  blkctl attach "$disk" && id=$(blkctl create) && blkctl add "$disk" "$id" && blkctl append "$id" "$store" 0:4194304 || fail "no snapshot"
  # shellcheck disable=SC2064
  trap "blkctl destroy $id; blkctl detach $disk" EXIT
  blkctl take "$id" || fail "no take"
  while blkctl wait "$id" 200 >/dev/null 2>&1; do :; done
  native "$work/blkctl" wait "$id" 50000 >"$dir/waited" 2>&1 &
  waiter=$!
  sleep 0.5
  for name in snapshot tracker chunk diffstorage event; do
    update "$name" && blkctl collect | grep -q "$id" || fail "the snapshot is not there after an update of $name"
    kill -0 "$waiter" 2>/dev/null || fail "the wait ended with an update of $name: $(cat "$dir/waited")"
  done
  update ioctl || fail "no update"
  wait "$waiter"
  grep -q 'wait: EINTR' "$dir/waited" || fail "the wait at an update of its server: $(cat "$dir/waited")"
  update control || fail "no update"
  [ "$(blkctl info "$disk" | cut -d' ' -f1)" = 0 ] || fail "the image: $(blkctl info "$disk")"
}
update() {
  "$dist/bin/blksnap" bundle:update "org.blksnap.$1" "file:$(echo "$dist"/system/org/blksnap/blksnap-"$1"/*/*.jar)"
}

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

library=$work/libblksnap-ioctl.so
warn='-std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -D_GNU_SOURCE'
# shellcheck disable=SC2086
make -s -C "$root/native-module/shim" OUT="$work" && cc $warn -fPIC -shared -o "$work/sizes.so" "$here/sizes.c" &&
  cc $warn -o "$work/blkctl" "$root/native-module/tests/blkctl.c" &&
  cc $warn -Wno-unused-result -o "$work/fuzz" "$root/native-module/tests/fuzz.c" &&
  cc $warn -o "$work/contract" "$root"/native-module/tests/contract*.c || { echo "the programs do not build" >&2 && exit 1; }
classes=$(class_path)
"${JAVA_HOME:+$JAVA_HOME/bin/}javac" -cp "$classes" -d "$work/classes" "$here/EngineServer.java" || exit 1
classes=$classes:$work/classes

tests=(the_version_is_that_of_the_interface a_snapshot_from_attach_to_detach events_are_answered_while_writes_go_on
  a_storage_that_is_full_is_told an_engine_that_restarts_is_found_again a_program_that_dies_leaves_no_thread
  the_contract_of_the_control_calls the_contract_of_storage the_contract_of_maps the_contract_of_snapshots
  the_contract_of_events the_contract_of_the_filter random_calls_of_several_programs)
tests+=(updated_bundles_lose_neither_wait_nor_snapshot)
[ ${#only[@]} -eq 0 ] || tests=("${only[@]}")
passed=0 failed=0 skipped=0
for test in "${tests[@]}"; do
  dir=$work/$test status=0
  if [ "${test#updated_bundles}" != "$test" ] && [ -z "$dist" ]; then
    skipped=$((skipped + 1)) && echo "SKIP $test: needs --dist" && continue
  elif up "$test" >"$work/said"; then
    (trap - EXIT && "$test") >"$work/said" 2>&1 || status=$?
  else
    status=1
  fi
  down
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
    echo "ok   $test"
  else
    failed=$((failed + 1))
    echo "FAIL $test"
    sed 's/^/       /' "$work/said" && tail -20 "$dir/log" | sed 's/^/       | /'
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
