# SPDX-License-Identifier: GPL-2.0
# shows: the Java engine over the module does what every engine does (SnapshotServiceContract)
. "${TESTS}/lib.sh"
engine_place "${STORAGE}"
load
guest_java LoadedModuleContract || fail "see above"
unmounted place
unload
