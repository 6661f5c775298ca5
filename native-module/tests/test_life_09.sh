# SPDX-License-Identifier: GPL-2.0
# shows: writes that were on their way when the filter was attached have ended before a take can miss them
. "${TESTS}/lib.sh"
modprobe dm-delay || skip "no dm-delay"
# A blk-mq device whose writes take a second and a half each; so small that reading it is quicker.
made_dm slow "0 8192 delay /dev/vdd 0 0 /dev/vdd 0 1500"
loop=$(losetup -f --show --direct-io=on /dev/mapper/slow) || fail losetup
load
written() { awk '{print $5}' /sys/block/vdd/stat; }
before=$(written)
busy_device "${loop}"
begun() { [ "$(written)" -gt "${before}" ]; }
await 30 "the first writes" begun
attach "${loop}"
take_of "${loop}"
sum=$(sha256sum <"$(image "${loop}")")
sleep 3
echo 3 >/proc/sys/vm/drop_caches
[ "$(sha256sum <"$(image "${loop}")")" = "${sum}" ] || fail "the image changed: a write from before the attach came after the take"
stop_children
destroy
detach "${loop}"
losetup -d "${loop}"
unload
