# SPDX-License-Identifier: GPL-2.0
# shows: a capacity that is a multiple of nothing: first and last sector, map and image to the end
. "${TESTS}/lib.sh"
disk=/dev/vdk
sectors=$(sectors size "${disk}")
[ $((sectors % 8)) -ne 0 ] || fail "the disk is not odd"
sectors fill "${disk}" 0 "${sectors}" 1
load
attach "${disk}"
info=$(blkctl cbtinfo "${disk}")
[ "$(field capacity "${info}")" = $((sectors * 512)) ] || fail "${info}"
[ "$(field block_count "${info}")" = $(((sectors * 512 + 65535) / 65536)) ] || fail "${info}"
take_of "${disk}"
image=$(image "${disk}")
[ "$(sectors size "${image}")" = "${sectors}" ] || fail "the image has $(sectors size "${image}") sectors, not ${sectors}"
for sector in 0 $((sectors - 1)) $((sectors - 2)) $((sectors - 4)) 511 512 1; do
    sectors fill "${disk}" "${sector}" 1 2
    sectors check "${image}" "${sector}" 1 1 || fail "image after the write of sector ${sector}"
done
sectors check "${image}" 0 "${sectors}" 1 || fail "the whole image"
# The last sectors of the image itself.
sectors fill "${image}" $((sectors - 1)) 1 3
sectors check "${image}" $((sectors - 1)) 1 3 || fail "image write of the last sector"
sectors check "${image}" $((sectors - 9)) 8 1 || fail "the sectors before it"
sectors check "${disk}" $((sectors - 1)) 1 2 || fail "the live last sector"
past=$(dd if="${image}" bs=512 skip="${sectors}" count=1 iflag=direct 2>/dev/null | wc -c)
[ "${past}" = 0 ] || fail "the image can be read past its end"
destroy
detach "${disk}"
unload
