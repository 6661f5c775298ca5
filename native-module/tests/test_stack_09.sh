# SPDX-License-Identifier: GPL-2.0
# shows: a slow file system with much to be written back, and a quick one in the same snapshot: the quick one does not wait for it
. "${TESTS}/lib.sh"
load
made_null slow size=64 mbps=4
# What is longer than a fiftieth of a second's worth never gets through.
echo 64 >"/sys/block/${NULL_DISK#/dev/}/queue/max_sectors_kb" || fail "the longest request"
slow=${NULL_DISK}
mkfs.ext4 -q -F -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 -J size=4 "${slow}" || fail mkfs
mkfs.ext4 -q -F "${DISK}" || fail mkfs
mounted "${slow}" slow
mounted "${DISK}" live
attach "${DISK}" "${slow}"
dirtied "${PLACE}/slow/much" 28
# Writes a byte and has it written through, again and again; tells the longest that took, in milliseconds.
python3 - "${PLACE}/live/small" "${PLACE}/stop" >"${PLACE}/longest" <<'END' &
import os, sys, time
longest = 0
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
while not os.path.exists(sys.argv[2]):
    began = time.monotonic()
    os.pwrite(fd, b'x', 0)
    os.fsync(fd)
    longest = max(longest, time.monotonic() - began)
    time.sleep(0.01)
print(int(longest * 1000))
END
pid=$!
prepare "${DISK}" "${slow}"
blkctl append "${ID}" "${STORAGE}" "0:$(sectors size "${STORAGE}")" || fail append
began=$(milliseconds)
blkctl take "${ID}" || fail take
say "taken after $(($(milliseconds) - began)) ms"
touch "${PLACE}/stop"
wait "${pid}" || fail "the writer"
longest=$(cat "${PLACE}/longest")
say "the longest write of the quick one took ${longest} ms"
[ "${longest}" -lt $((3000 * SCALE)) ] || fail "a write took ${longest} ms"
for disk in "${DISK}" "${slow}"; do
    case $(tune2fs -l "$(image "${disk}")" | grep '^Filesystem features:') in
        *needs_recovery* | '') fail "the image of ${disk} was not frozen, or has no file system" ;;
    esac
done
destroy
unmounted live slow
detach "${DISK}" "${slow}"
unload
