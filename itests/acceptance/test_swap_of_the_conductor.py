#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The conductor is stopped under a verified load and started again: clients wait, and all is back exact."""
from kit import *

# Clients wait 30 s for the next engine; this is well within.
AWAY = 2

with Disk("conducted") as disk:
    copy = disk.copy("copy.raw")
    snapshot = Taken(disk)
    before = disk.info()
    with Load(disk) as load:
        blksnap("bundle:stop", "org.blksnap.snapshot")
        stopped = disk.copy("stopped.raw")
        time.sleep(AWAY)
        check(not differing(disk.path, stopped), "something was written while there was no engine")
        load.check_runs()
        blksnap("bundle:start", "org.blksnap.snapshot")
        load.goes_on()
        until("the image is exported", lambda: snapshot.image in [e["name"] for e in listing("export-list")])
        check(compare(snapshot.uri, copy), "the image differs from the copy under load")
        job = load.end()
    after = disk.info()
    check(after["generation_id"] == before["generation_id"], f"the change map was begun anew: {after}")
    check(disk.row()["condition"] == "ok", f"{disk.row()}")
    snapshot.check_well()
    check(compare(snapshot.uri, copy), "the image differs from the copy")
    check(not compare(disk.uri, snapshot.uri), "nothing was written")
    say(f"stopped for {AWAY} s: longest completion {longest_latency(job):.0f} ms, {job['write']['total_ios']} writes")
