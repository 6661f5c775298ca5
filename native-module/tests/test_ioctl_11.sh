# SPDX-License-Identifier: GPL-2.0
# shows: root without CAP_SYS_ADMIN may open the control device and do nothing with it
. "${TESTS}/lib.sh"
load
attach "${DISK}"
prepare "${DISK}"
run() {
    setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin -- "${BIN}/blkctl" "$@"
}
for call in version create collect "take ${ID}" "destroy ${ID}" "append ${ID} ${STORAGE} 0:4096" "wait ${ID} 1"; do
    # shellcheck disable=SC2086
    refuses EPERM run ${call}
done
[ "$(blkctl collect)" = "${ID}" ] || fail "snapshots: $(blkctl collect)"
# Opened by one who may, used by one who may not.
exec 5<>/dev/blksnap-control || fail open
number() {
    python3 - "$1" <<'END'
import errno, fcntl, sys
try:
    fcntl.ioctl(int(sys.argv[1]), 0x40085600, bytearray(8))
    print("done")
except OSError as refused:
    print(errno.errorcode[refused.errno])
END
}
if command -v python3 >/dev/null; then
    [ "$(number 5)" = done ] || fail "the version by an open descriptor: $(number 5)"
    words=$(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin -- bash -c "$(declare -f number); number 5")
    [ "${words}" = EPERM ] || fail "a descriptor handed to one without the capability: ${words}"
fi
exec 5>&-
destroy
detach "${DISK}"
unload
