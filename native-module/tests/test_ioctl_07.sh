# SPDX-License-Identifier: GPL-2.0
# shows: a 32-bit program has the same contract
. "${TESTS}/lib.sh"
load
attach /dev/vda /dev/vdb
for group in control storage filter cbt snapshot events; do
    contract32 "${group}" /dev/vda /dev/vdb "${STORAGE}" || fail "see above"
done
detach /dev/vda /dev/vdb
[ "$(blkctl32 version)" = 2.0.0.0 ] || fail "version for 32 bits"
unload
