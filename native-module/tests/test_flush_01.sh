# SPDX-License-Identifier: GPL-2.0
# shows: a flush reaches the disk after the writes it covers, also when these had to be copied first
. "${TESTS}/lib.sh"
modprobe dm-log-writes || skip "no dm-log-writes"
sectors fill /dev/vdd 0 65536 1
blkdiscard -f -z /dev/vde
made_dm logged "0 65536 log-writes /dev/vdd /dev/vde"
load
attach /dev/mapper/logged
take_of /dev/mapper/logged
flushes /dev/mapper/logged logged /dev/vde "$(scaled 40)" || fail "see above"
sectors check "$(image /dev/mapper/logged)" 0 65536 1 || fail "the image"
destroy
detach /dev/mapper/logged
dmsetup remove --noudevsync logged || fail "dmsetup remove"
unload
