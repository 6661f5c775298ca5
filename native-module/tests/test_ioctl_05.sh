# SPDX-License-Identifier: GPL-2.0
# shows: snapshotadd, take, snapshotinfo: states and their errnos
. "${TESTS}/lib.sh"
load
attach /dev/vda /dev/vdb
contract snapshot /dev/vda /dev/vdb "${STORAGE}" || fail "see above"
detach /dev/vda /dev/vdb
unload
