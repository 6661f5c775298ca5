#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Storage overflow: the image lives as long as buffers last; then live writes go on, image reads fail with EIO, destroy mends."""
from kit import *

STORAGE = 4 * MIB
# More than all buffers of a device may hold (256 MiB).
DISK = 512 * MIB

with Disk("flooded", DISK) as disk:
    snapshot = listing("snapshot-create")["id"]
    blksnap("snapshot-add", snapshot, disk.name)
    first = listing("snapshot-wait-event", snapshot, "--timeout", "10s")
    check(first["event"] == "low_free_space" and first["requested_bytes"] > 0, f"the first event asks for storage: {first}")
    storage = WORK / "storage"
    storage.write_bytes(b"\0" * STORAGE)
    blksnap("snapshot-append-storage", snapshot, storage)
    with Load(disk) as load:
        taken = listing("snapshot-take", snapshot)
        uri = export(taken["images"][0])
        until("the storage overflows", lambda: load._alive() and listing("snapshot-info", snapshot)["overflown"])
        until("the image is given up", lambda: load._alive() and listing("snapshot-info", snapshot)["images"][0]["error"] != "OK")
        load.goes_on()
        reading = command("nbdcopy", uri, "null:", expect=None)
        check(reading.returncode != 0, "an overflown image can be read")
        check("Input/output error" in reading.stderr, f"not EIO: {reading.stderr}")
        reading = command("qemu-io", "-f", "raw", "-r", "-c", "read 0 4k", uri, expect=None)
        check("Input/output error" in reading.stdout + reading.stderr, f"not EIO: {reading.stdout}{reading.stderr}")
        seen = []
        while "corrupted" not in [e["event"] for e in seen]:
            check(len(seen) < 16, f"no end of events: {seen}")
            seen.append(listing("snapshot-wait-event", snapshot, "--timeout", "10s"))
        corrupted = seen[-1]
        check(corrupted["err_code"] == 28 and corrupted["device"] == disk.name, f"not ENOSPC of the device: {corrupted}")
        quiet = refused("snapshot-wait-event", snapshot, "--timeout", "500ms")
        check("[ENOENT]" in quiet, f"corrupted is told once: {quiet}")
        info = listing("snapshot-info", snapshot)
        check(info["images"][0]["error_code"] == -28, f"{info}")
        told = [f for f in listing("doctor", expect=1) if snapshot in f["subject"]]
        check(told and told[0]["severity"] in ("WARNING", "ERROR"), f"doctor does not tell of the overflow: {told}")
        check("snapshot-destroy" in told[0]["remedy"], f"doctor does not say how to mend it: {told}")
        load.goes_on()
        job = load.end()
    say(f"fio: {job['write']['total_ios']} writes without an error; events: {', '.join(e['event'] for e in [first] + seen)}")
    say(f"doctor: {told[0]['observation']} -- {told[0]['remedy']}")
    blksnap("snapshot-destroy", snapshot)
    check(listing("doctor") and not [f for f in listing("doctor") if f["severity"] == "ERROR"], "doctor still complains")
    again = Taken(disk)
    check(compare(again.uri, disk.path), "the next snapshot's image is exact")
