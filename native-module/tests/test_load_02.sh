# SPDX-License-Identifier: GPL-2.0
# shows: the parameters, their defaults, their mode, and that they can be set
. "${TESTS}/lib.sh"
if loaded; then
    eject
fi
insert
while read -r name value; do
    [ "$(parameter "${name}")" = "${value}" ] || fail "${name} is $(parameter "${name}"), expected ${value}"
    mode=$(stat -c %a "/sys/module/blksnap/parameters/${name}")
    [ "${mode}" = 644 ] || fail "${name} has mode ${mode}"
    echo "${value}" >"/sys/module/blksnap/parameters/${name}" || fail "${name} can't be set to its default"
    if echo "-1" >"/sys/module/blksnap/parameters/${name}" 2>/dev/null || echo nonsense >"/sys/module/blksnap/parameters/${name}" 2>/dev/null; then
        fail "${name} takes nonsense"
    fi
    [ "$(parameter "${name}")" = "${value}" ] || fail "${name} changed by what was refused"
done <"${TESTS}/vm/parameters"
number=$(ls /sys/module/blksnap/parameters | wc -l)
[ "${number}" = 10 ] || fail "there are ${number} parameters: $(ls /sys/module/blksnap/parameters)"
eject
insert chunk_minimum_shift=20 chunk_maximum_in_queue=3
[ "$(parameter chunk_minimum_shift)" = 20 ] && [ "$(parameter chunk_maximum_in_queue)" = 3 ] || fail "parameters of insmod are not kept"
[ "$(stat -c %a /dev/blksnap-control)" = 600 ] || fail "the control device has mode $(stat -c %a /dev/blksnap-control)"
