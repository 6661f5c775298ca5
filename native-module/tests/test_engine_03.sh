# SPDX-License-Identifier: GPL-2.0
# shows: the Java engine is killed while it holds a snapshot: the next one takes it over; after a reload it clears up and says why
. "${TESTS}/lib.sh"
engine_place "${STORAGE}"
sectors fill /dev/vde 0 4096 1 || fail fill
load
guest_java 'KilledEngine#takesASnapshotAndIsKilled'
[ $? = 137 ] || fail "it was not killed"
[ -n "$(blkctl collect)" ] || fail "the snapshot did not outlive its process"
guest_java 'KilledEngine#whatWasLeftIsTakenOverAndGivenBack' || fail "see above"
unload

load
guest_java 'KilledEngine#takesASnapshotAndIsKilled'
[ $? = 137 ] || fail "it was not killed"
blkctl destroy "$(blkctl collect)" || fail destroy
detach /dev/vde
eject
insert
guest_java 'KilledEngine#whatAnotherLifeOfTheModuleHeldIsClearedAwayAndTheReasonIsTold' || fail "see above"
unmounted place
unload
