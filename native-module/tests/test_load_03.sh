# SPDX-License-Identifier: GPL-2.0
# shows: unloading is refused while a filter is attached or a snapshot held, or undoes everything first
. "${TESTS}/lib.sh"
if loaded; then
    eject
fi
# Either answer is right; what counts is that requests go on and nothing is left.
try() {
    if rmmod blksnap 2>/dev/null; then
        say "unloading undid $1"
        [ -z "$(compgen -G '/sys/block/blksnap-image*')" ] || fail "an image outlived the module"
        sectors fill "${DISK}" 0 64 9 && sectors check "${DISK}" 0 64 9 || fail "the device does not work on"
        insert
    else
        say "unloading is refused with $1"
        blkctl version >/dev/null || fail "the refused unloading broke the control device"
        if [ -n "${ID}" ]; then
            destroy
        fi
        blkctl detach "${DISK}" 2>/dev/null
    fi
    ID=
}
insert
attach "${DISK}"
busy_device "${DISK}"
sleep 0.3
try "a filter"
attach "${DISK}"
prepare "${DISK}"
try "a snapshot that is not taken"
attach "${DISK}"
take_of "${DISK}"
try "a held snapshot"
stop_children
eject
