#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A wall clock that was wrong and is set right hides no change: over a kill, a stopped tracker, a stopped conductor."""
from faults import *

# Longer than the hand-over timeout (10 s), after which writes pass untracked.
GIVEN_UP = 30
WRITTEN_AT = 24 * MIB


def over_a_kill(disk, beneath):
    kill()
    until_the_guardian_has_seen()
    write_behind_its_back(disk.path, WRITTEN_AT)
    beneath.start()


def over_a_stopped_conductor(disk, beneath):
    blksnap("bundle:stop", "org.blksnap.snapshot")
    write_behind_its_back(disk.path, WRITTEN_AT)
    blksnap("bundle:start", "org.blksnap.snapshot")
    until("the device is back", lambda: disk.row_or_none() is not None)


def over_a_lost_tracker(disk, beneath):
    blksnap("bundle:stop", "org.blksnap.tracker")
    command("qemu-io", "-f", "raw", "-c", f"write -P 119 {WRITTEN_AT} 64k", disk.uri_kept, timeout=GIVEN_UP + 60)
    command("qemu-io", "-f", "raw", "-c", "flush", disk.uri_kept, timeout=GIVEN_UP)
    blksnap("bundle:start", "org.blksnap.tracker")
    until("the map is back", lambda: disk.row_or_none() is not None and blksnap("cbt-info", disk.name, expect=None).returncode == 0)


class Watched(Disk):
    """A disk that may be away for a while."""

    def row_or_none(self):
        done = blksnap("device-list", "--json", expect=None)
        return next((r for r in json.loads(done.stdout) if r["name"] == self.name), None) if done.returncode == 0 else None


wrong = []
with Beneath() as beneath:
    for shift in ("+2h", "-2h"):
        for event in (over_a_kill, over_a_stopped_conductor, over_a_lost_tracker):
            what = f"the clock {shift} at the attach, then right, {event.__name__.replace('_', ' ')}"
            faultctl("clock", shift)
            with Watched("stepped", once=False) as disk:
                disk.uri_kept = disk.uri
                command("qemu-io", "-f", "raw", "-c", "write -P 1 1M 64k", "-c", "flush", disk.uri)
                first = disk.copy("first.raw")
                snapshot = Taken(disk)
                before = disk.info()
                faultctl("clock", "true")
                event(disk, beneath)
                try:
                    check_after_a_foreign_write(disk, snapshot, before, first, what)
                except SystemExit:
                    # All are told before the end.
                    wrong.append(what)
    check(not wrong, f"{len(wrong)} of 6: {'; '.join(wrong)}")
