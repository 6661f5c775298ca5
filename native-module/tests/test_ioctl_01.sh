# SPDX-License-Identifier: GPL-2.0
# shows: version, create, destroy, take, collect: answers, errnos, bad pointers, unknown numbers
. "${TESTS}/lib.sh"
load
attach /dev/vda /dev/vdb
contract control /dev/vda /dev/vdb "${STORAGE}" || fail "see above"
detach /dev/vda /dev/vdb
unload
