#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writers that wait for slow storage outlive an update of conductor, chunk engine and storage, and a destroy: no stall, no map lost."""
from faults import *

SIZE = 256 * MIB
STORE_MS = 300
# Requests in flight, and how many of them may stand before one: its fair share of the wait, twice.
IN_FLIGHT = 16
FAIR_SHARE_SECONDS = 2 * IN_FLIGHT * STORE_MS / 1000
# A bundle's update holds requests up; no test of its speed.
SWAP_SECONDS = 5
LIVE_WRITE_BOUND_SECONDS = FAIR_SHARE_SECONDS + SWAP_SECONDS
# Slow stores before the event.
STORES_FIRST = 8
# Once the snapshot is gone nobody waits for its storage.
RELEASE_BOUND_SECONDS = 2
GOES_ON_LIMIT = 60


def swap(disk, snapshot, name):
    blksnap("bundle:update", f"org.blksnap.{name}", f"file:{bundle_jar(name)}")
    until(f"{name} is back", lambda: blksnap("device-list", expect=None).returncode == 0 and disk.row() is not None)


def destroy(disk, snapshot, name):
    begin = time.monotonic()
    before = os.stat(disk.path).st_mtime_ns
    snapshot.destroy()
    until("writes go on", lambda: os.stat(disk.path).st_mtime_ns != before)
    took = time.monotonic() - begin
    check(took <= RELEASE_BOUND_SECONDS, f"destroy and the next write took {took:.1f} s, more than {RELEASE_BOUND_SECONDS}")


wrong = []
with Beneath():
    for event, name in ((swap, "snapshot"), (swap, "chunk"), (swap, "diffstorage"), (destroy, "")):
        what = f"{event.__name__} {name} while writers wait for storage".replace("  ", " ")
        faultctl("clear")
        with Disk("slow", size=SIZE) as disk:
            with Load(disk, verify=False) as load:
                load.pause()
                first = disk.copy("first.raw")
                snapshot = Taken(disk)
                before = disk.info()
                faultctl("rule", "slow", f"delay:{STORE_MS}", "on=write", f"path={WORK}/diff/*")
                load.resume()
                # fio touches more new chunks in a blink than the storage takes in these.
                faultctl("wait", "slow", "met", STORES_FIRST)
                queued = snapshot.info()["images"][0]["queued_chunks"]
                check(queued > 0, f"nothing waits for the storage: {snapshot.info()}")
                try:
                    event(disk, snapshot, name)
                    until("writes go on", lambda: load._alive() and load.goes_on() is None, GOES_ON_LIMIT)
                    faultctl("clear")
                    longest = longest_latency(load.end()) / 1000
                    if event is swap:
                        check_image_right_or_corrupted(snapshot, first, what)
                        snapshot.destroy()
                    now = check_nothing_is_missed(disk, before, first, what)
                    check(now["generation_id"] == before["generation_id"], f"{what}: the change map was begun anew: {now}")
                    check(longest <= LIVE_WRITE_BOUND_SECONDS, f"{what}: a write took {longest:.1f} s, more than {LIVE_WRITE_BOUND_SECONDS:.1f}")
                    say(f"{what}: {queued} chunks queued, longest completion {longest:.1f} s")
                except SystemExit:
                    wrong.append(what)
                    faultctl("clear")
    check(not wrong, f"{len(wrong)} of 4: {'; '.join(wrong)}")
