# SPDX-License-Identifier: GPL-2.0
# shows: cbtinfo, cbtmap, cbtdirty: ends, sizes, bad pointers, nothing changed by what is refused
. "${TESTS}/lib.sh"
load
attach /dev/vda /dev/vdb
contract cbt /dev/vda /dev/vdb "${STORAGE}" || fail "see above"
detach /dev/vda /dev/vdb
unload
