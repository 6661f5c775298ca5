# SPDX-License-Identifier: GPL-2.0
# shows: attach, detach, ctl: names, numbers, sizes, bad pointers
. "${TESTS}/lib.sh"
load
attach /dev/vda /dev/vdb
contract filter /dev/vda /dev/vdb "${STORAGE}" || fail "see above"
detach /dev/vda /dev/vdb
unload
