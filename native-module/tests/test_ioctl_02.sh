# SPDX-License-Identifier: GPL-2.0
# shows: append: paths, ranges, sizes, bad pointers
. "${TESTS}/lib.sh"
load
attach /dev/vda /dev/vdb
contract storage /dev/vda /dev/vdb "${STORAGE}" || fail "see above"
detach /dev/vda /dev/vdb
unload
