# SPDX-License-Identifier: GPL-2.0
# shows: the module is loaded and unloaded again and again, and leaves nothing
. "${TESTS}/lib.sh"
if loaded; then
    eject
fi
for round in $(seq "$(scaled 8)"); do
    insert
    [ "$(blkctl version)" = 2.0.0.0 ] || fail "version is $(blkctl version)"
    if [ $((round % 3)) -eq 0 ]; then
        attach "${DISK}"
        sectors fill "${DISK}" 0 64 "${round}"
        detach "${DISK}"
    fi
    eject
done
