# SPDX-License-Identifier: GPL-2.0
# shows: a file system whose freeze takes seconds is snapshotted all the same, and is not left frozen
. "${TESTS}/lib.sh"
modprobe dm-delay || skip "no dm-delay"
mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 /dev/vdd || fail mkfs
load
made_dm slow "0 262144 delay /dev/vdd 0 0 /dev/vdd 0 1500"
attach /dev/mapper/slow
mounted /dev/mapper/slow live
# Not synced: the freeze has to do it, in more than one round of writes.
files "${PLACE}/live/kept" 20
cp "${PLACE}/live/kept.sums" "${PLACE}/sums"
prepare /dev/mapper/slow
blkctl append "${ID}" "${STORAGE}" "0:$(sectors size "${STORAGE}")" || fail append
began=${SECONDS}
timeout 150 blkctl take "${ID}" || fail "take"
say "taken after $((SECONDS - began)) s"
timeout 60 dd if=/dev/zero of="${PLACE}/live/other" bs=4k count=10 conv=fsync status=none || fail "the file system is frozen"
mounted "$(image /dev/mapper/slow)" image ro,noload
same_files "${PLACE}/image/kept" "${PLACE}/sums"
unmounted image
features=$(tune2fs -l "$(image /dev/mapper/slow)" | grep '^Filesystem features:') || fail "tune2fs of the image"
case ${features} in
    *needs_recovery*) fail "the image's file system was not frozen, its journal is to be replayed: ${features}" ;;
esac
destroy
unmounted live
detach /dev/mapper/slow
unload
