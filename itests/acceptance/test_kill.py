#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the JVM under load and a held snapshot: device, image and change map come back exact."""
import random

from kit import *

kills = int(os.environ.get("ACCEPTANCE_KILLS", "3"))
seed = int(os.environ.get("ACCEPTANCE_SEED", str(random.SystemRandom().randrange(1 << 31))))
say(f"seed {seed} (ACCEPTANCE_SEED)")
chance = random.Random(seed)
# What lies outside is never written, and must not be named as changed.
PART = (10 * MIB, 40 * MIB)
# Every other turn writes so slowly, requests a second, that much stays clean; the rest as fast as it goes.
SLOW = 100

with Disk("killed", once=False) as disk:
    for turn in range(kills):
        with Load(disk, f"before-{turn}", verify=False, part=PART, rate=SLOW if turn % 2 else None) as load:
            load.pause()
            first = disk.copy("first.raw")
            snapshot = Taken(disk)
            before = disk.info()
            load.resume()
            time.sleep(chance.uniform(0.05, 1.5))
            load.check_runs()
            kill()
            load.perish()
        took = start()
        check(disk.row() is not None, "the device did not come back")
        check(disk.row()["condition"] == "ok", f"the device is not well: {disk.row()}")
        check(any(s["id"] == snapshot.id for s in listing("snapshot-list")), "the snapshot did not come back")
        snapshot.check_well()
        check(compare(snapshot.uri, first), "after the kill the image differs from the copy made at the take")
        with Load(disk, f"after-{turn}", rate=SLOW, part=PART) as load:
            load.goes_on()
            check(compare(snapshot.uri, first), "the image differs from the copy once writing went on")
            load.pause()
            second = disk.copy("second.raw")
            snapshot.destroy()
            snapshot = Taken(disk)
            load.resume()
            load.end()
        check(compare(snapshot.uri, second), "the next image differs from its copy")
        now = disk.info()
        check(now["generation_id"] == before["generation_id"], f"a new generation after a mere kill: {now}")
        rows = listing("cbt-map", disk.name, "--since", before["changes_number"], "--generation", before["generation_id"])
        blocks = differing(first, second)
        check(blocks, "nothing differs between the takes: this proves nothing")
        check_covers(rows, blocks, "the map after the kill")
        named = sum(end - begin for begin, end in dirty(rows))
        check(named <= PART[1], f"{named} bytes are named, {PART[1]} were open to writes")
        snapshot.destroy()
        say(f"kill {turn + 1}: ready after {took:.1f} s, {len(blocks)} blocks differ, {named >> 10} KiB named")

    # A foreign write while nobody is there, its time put back as a restoring program does.
    before = disk.info()
    snapshot = Taken(disk)
    kill()
    state = HOME / "data" / "blksnap"
    until("the guardian has written down how the device was left", lambda: list(state.glob("facts-*[!w]")))
    stamps = os.stat(disk.path)
    with open(disk.path, "r+b") as stream:
        stream.seek(50 * MIB)
        stream.write(os.urandom(4096))
    os.utime(disk.path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    start()
    now = disk.info()
    check(now["generation_id"] != before["generation_id"], "a foreign write after a kill kept the generation")
    check(now["reason"] == "CHANGED_WHILE_DETACHED", f"another reason was expected: {now}")
    check(snapshot.corrupted(), f"the image passes for well: {snapshot.info()}")
    snapshot.destroy()
    say("a foreign write after a kill begins a new generation")
