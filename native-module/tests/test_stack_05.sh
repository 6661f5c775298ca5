# SPDX-License-Identifier: GPL-2.0
# shows: a dm device is suspended, reloaded and resumed while its snapshot is held
. "${TESTS}/lib.sh"
load
made_dm linear "0 65536 linear /dev/vdd 0"
sectors fill /dev/mapper/linear 0 65536 1
attach /dev/mapper/linear
take_of /dev/mapper/linear
image=$(image /dev/mapper/linear)
sectors fill /dev/mapper/linear 0 4096 2
echo linear >"${PLACE}/suspended"
dmsetup suspend --noudevsync linear || fail suspend
# A write waits for the resume, and so does a read of what is not copied; what is copied is at hand.
background sectors fill /dev/mapper/linear 20000 64 2
timeout 10 sectors check "${image}" 0 512 1 || fail "copied chunks while the device is suspended"
sleep 0.5
kill -0 "${CHILDREN[0]}" || fail "a write to a suspended device ended"
dmsetup load linear --table "0 65536 linear /dev/vdd 0" || fail load
dmsetup resume --noudevsync linear || fail resume
rm "${PLACE}/suspended"
wait "${CHILDREN[0]}" || fail "the write that waited for the resume"
CHILDREN=()
sectors check "${image}" 0 65536 1 || fail "the image"
sectors check /dev/mapper/linear 20000 64 2 || fail "the write that waited"
[ "$(image_error /dev/mapper/linear)" = 0 ] || fail "error code"
destroy
# A take of a suspended device ends, one way or the other, and leaves nothing behind.
prepare /dev/mapper/linear
blkctl append "${ID}" "${STORAGE}" 0:100000
echo linear >"${PLACE}/suspended"
dmsetup suspend --noudevsync linear || fail suspend
(sleep 3 && dmsetup resume --noudevsync linear) &
words=$(timeout 60 blkctl take "${ID}" 2>&1) || say "the take of a suspended device: ${words}"
wait $!
rm "${PLACE}/suspended"
destroy
timeout 10 sectors fill /dev/mapper/linear 0 64 3 || fail "the device is held"
detach /dev/mapper/linear
dmsetup remove --noudevsync linear || fail "dmsetup remove"
unload
