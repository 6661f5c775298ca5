# SPDX-License-Identifier: GPL-2.0
# shows: a device of device mapper stays while its image is open, even if nobody has itself open; an image that is not open holds nothing
. "${TESTS}/lib.sh"
modprobe dm-delay || skip "no dm-delay"
sectors fill /dev/vdd 0 65536 1
made_dm slow "0 65536 delay /dev/vdd 0 1000"
made_dm upper "0 65536 linear /dev/mapper/slow 0"
load
upper=$(readlink -f /dev/mapper/upper)
attach "${upper}"
take_of "${upper}"
image=$(image "${upper}")
# A read that is on its way for a second.
dd if="${image}" of=/dev/null bs=4k count=1 iflag=direct status=none &
reader=$!
sleep 0.5
kill -0 "${reader}" || fail "the read was too quick"
words=$(timeout 20 dmsetup remove --noudevsync upper 2>&1) && fail "removed while its image was being read"
case ${words} in
    *busy*) ;;
    *) fail "dmsetup remove: ${words}" ;;
esac
wait "${reader}" || fail "the reader"
# Suspended: the read waits, and so does nobody who removes it.
echo upper >"${PLACE}/suspended"
dmsetup suspend --noudevsync upper || fail suspend
dd if="${image}" of=/dev/null bs=4k skip=1 count=1 iflag=direct status=none &
reader=$!
sleep 0.5
timeout 20 dmsetup remove --noudevsync upper 2>/dev/null && fail "removed while suspended and being read"
[ -b "${upper}" ] && dmsetup info upper >/dev/null || fail "it is gone"
dmsetup resume --noudevsync upper || fail resume
rm "${PLACE}/suspended"
wait "${reader}" || fail "the reader of the suspended one"
sectors check "${image}" 0 64 1 || fail "the image"
# Open twice, closed once: still held. Nobody has it open: removed, and the image is lost.
exec 5<"${image}" 6<"${image}"
exec 5<&-
timeout 20 dmsetup remove --noudevsync upper 2>/dev/null && fail "removed while its image was open"
exec 6<&-
timeout 20 dmsetup remove --noudevsync upper || fail "an image that nobody has open holds its device"
[ "$(dd if="${image}" of=/dev/null bs=4k count=1 iflag=direct 2>&1 | grep -c copied)" = 0 ] || fail "an image without its device was opened and read"
destroy
# An image that is open when the snapshot goes: the device is let go of then, and the late close is harmless.
made_dm upper "0 65536 linear /dev/mapper/slow 0"
upper=$(readlink -f /dev/mapper/upper)
attach "${upper}"
take_of "${upper}"
exec 5<"$(image "${upper}")"
destroy
detach "${upper}"
timeout 20 dmsetup remove --noudevsync upper || fail "the image of a destroyed snapshot holds its device"
exec 5<&-
dmsetup remove --noudevsync slow || fail "remove slow"
unload
