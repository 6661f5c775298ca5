# SPDX-License-Identifier: GPL-2.0
# shows: several snapshots of several devices at once, each of its own moment
. "${TESTS}/lib.sh"
load
ids=()
for n in 0 1 2; do
    disk=$(echo /dev/vdd /dev/vde /dev/vdf | cut -d' ' -f$((n + 1)))
    sectors fill "${disk}" 0 8192 1
    attach "${disk}"
    prepare "${disk}"
    blkctl append "${ID}" "${STORAGE}" $((n * 100000)):100000 || fail append
    blkctl take "${ID}" || fail take
    ids+=("${ID}")
    sectors fill "${disk}" 0 8192 2
done
[ "$(blkctl collect | sort)" = "$(printf '%s\n' "${ids[@]}" | sort)" ] || fail "collect: $(blkctl collect)"
for disk in /dev/vdd /dev/vde /dev/vdf; do
    sectors check "$(image "${disk}")" 0 8192 1 || fail "image of ${disk}"
done
blkctl destroy "${ids[1]}" || fail destroy
sectors check "$(image /dev/vdd)" 0 8192 1 || fail "an image after another snapshot is gone"
sectors check "$(image /dev/vdf)" 0 8192 1 || fail "an image after another snapshot is gone"
blkctl destroy "${ids[0]}" && blkctl destroy "${ids[2]}" || fail destroy
detach /dev/vdd /dev/vde /dev/vdf
unload
