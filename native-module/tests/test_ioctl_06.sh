# SPDX-License-Identifier: GPL-2.0
# shows: wait_event: first event, milliseconds, interruption, destruction
. "${TESTS}/lib.sh"
load
attach /dev/vda /dev/vdb
contract events /dev/vda /dev/vdb "${STORAGE}" || fail "see above"
detach /dev/vda /dev/vdb
unload
