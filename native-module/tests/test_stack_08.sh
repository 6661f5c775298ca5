# SPDX-License-Identifier: GPL-2.0
# shows: a slow file system with much to be written back: its writers go on meanwhile, the take is done, nothing stays frozen
. "${TESTS}/lib.sh"
load
made_null slow size=64 mbps=4
# What is longer than a fiftieth of a second's worth never gets through.
echo 64 >"/sys/block/${NULL_DISK#/dev/}/queue/max_sectors_kb" || fail "the longest request"
disk=${NULL_DISK}
mkfs.ext4 -q -F -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 -J size=4 "${disk}" || fail mkfs
mounted "${disk}" live
attach "${disk}"
# Writes a byte again and again; tells the longest that one took, in milliseconds.
writer() {
    python3 - "${PLACE}/live/small" "${PLACE}/stop" <<'END'
import os, sys, time
longest = 0
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
while not os.path.exists(sys.argv[2]):
    began = time.monotonic()
    os.pwrite(fd, b'x', 0)
    longest = max(longest, time.monotonic() - began)
    time.sleep(0.01)
print(int(longest * 1000))
END
}
# A caller that is killed while it waits: it goes at once, and the file system is not frozen for it.
dirtied "${PLACE}/live/much" 28
prepare "${disk}"
blkctl append "${ID}" "${STORAGE}" "0:$(sectors size "${STORAGE}")" || fail append
blkctl take "${ID}" &
pid=$!
sleep 1
kill -0 "${pid}" || fail "the take did not wait for what is dirty"
began=$(milliseconds)
kill -KILL "${pid}"
wait "${pid}" 2>/dev/null
[ $(($(milliseconds) - began)) -lt 2000 ] || fail "the killed caller took $(($(milliseconds) - began)) ms to go"
timeout 20 dd if=/dev/zero of="${PLACE}/live/other" bs=4k count=1 status=none || fail "the file system is frozen for nobody"
destroy
# And now it waits.
dirtied "${PLACE}/live/much" 28
writer >"${PLACE}/longest" &
pid=$!
sleep 0.5
prepare "${disk}"
blkctl append "${ID}" "${STORAGE}" "0:$(sectors size "${STORAGE}")" || fail append
began=$(milliseconds)
blkctl take "${ID}" || fail take
say "taken after $(($(milliseconds) - began)) ms"
touch "${PLACE}/stop"
wait "${pid}" || fail "the writer"
longest=$(cat "${PLACE}/longest")
say "the longest write took ${longest} ms"
[ "${longest}" -lt $((4000 * SCALE)) ] || fail "a write took ${longest} ms"
features=$(tune2fs -l "$(image "${disk}")" | grep '^Filesystem features:') || fail "tune2fs of the image"
case ${features} in
    *needs_recovery*) fail "the image's file system was not frozen, its journal is to be replayed: ${features}" ;;
esac
destroy
unmounted live
detach "${disk}"
unload
