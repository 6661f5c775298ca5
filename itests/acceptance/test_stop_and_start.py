#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A clean stop and start keeps devices, generations, snapshots and images; a change behind our back is found."""
from kit import *

with Disk("stopped", once=False) as disk:
    with Load(disk) as load:
        load.pause()
        copy = disk.copy("copy.raw")
        snapshot = Taken(disk)
        load.resume()
        load.end()
    before = disk.info()
    listed = disk.row()
    stop()
    check(not pathlib.Path(f"/proc/{pid()}").exists() if pid() else True, "stop returned before the JVM ended")
    held = disk.copy("held.raw")
    took = start()
    check(disk.row() is not None, "the device did not come back")
    check(disk.row()["identity"] == listed["identity"], "the identity changed")
    after = disk.info()
    for key in ("generation_id", "changes_number", "block_size"):
        check(after[key] == before[key], f"{key} was {before[key]}, is {after[key]}: {after}")
    snapshot.check_well()
    check(compare(snapshot.uri, copy), "after the start the image differs from the copy made at the take")
    check(compare(disk.uri, held), "after the start the device differs from its file")
    with Load(disk) as load:
        load.goes_on()
        check(compare(snapshot.uri, copy), "the image differs from the copy once writing went on")
        load.end()
    say(f"kept over stop and start, ready after {took:.1f} s")

    stop()
    with open(disk.path, "r+b") as stream:
        stream.seek(8 * MIB)
        stream.write(os.urandom(BLOCK))
    start()
    now = disk.info()
    check(now["generation_id"] != before["generation_id"], "a change behind our back kept the generation")
    check(now["reason"] == "CHANGED_WHILE_DETACHED" and now["reason_text"], f"no reason for the new generation: {now}")
    image = snapshot.corrupted()
    check(image, f"the snapshot passes for well: {snapshot.info()}")
    check(image["detail"], f"no reason for the corruption: {image}")
    done = command("nbdcopy", snapshot.uri, WORK / "void.raw", expect=None) if any(
        e["name"] == snapshot.image for e in listing("export-list")) else None
    check(done is None or done.returncode != 0, "the image of a corrupted snapshot can be read")
    told = [f for f in listing("doctor", expect=None) if snapshot.id in f["subject"]]
    check(told and told[0]["severity"] in ("WARNING", "ERROR") and told[0]["remedy"], f"doctor says {told}")
    say(f"changed behind our back: {now['reason']}; {image['error']}: {image['detail']}")
    snapshot.destroy()
    renewed = Taken(disk)
    check(compare(renewed.uri, disk.path), "a new snapshot's image is exact")
