# SPDX-License-Identifier: GPL-2.0
# shows: a user who may read the device may not filter it
. "${TESTS}/lib.sh"
load
mknod -m 666 "${PLACE}/disk" b "$(stat -c '%Hr %Lr' "${DISK}" | cut -d' ' -f1)" "$(stat -c '%Hr %Lr' "${DISK}" | cut -d' ' -f2)"
run() {
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all -- "${BIN}/blkctl" "$@"
}
if run attach "${PLACE}/disk" 2>/dev/null; then
    fail "an ordinary user attached a filter"
fi
attach "${DISK}"
if run detach "${PLACE}/disk" 2>/dev/null; then
    fail "an ordinary user detached a filter"
fi
if run cbtdirty "${PLACE}/disk" 0:8 2>/dev/null; then
    fail "an ordinary user marked blocks"
fi
if run version 2>/dev/null; then
    fail "an ordinary user opened the control device"
fi
detach "${DISK}"
unload
