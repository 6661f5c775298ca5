#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""qemu:dirty-bitmap:blksnap and blksnap:changed:GENERATION:NUMBER equal cbt-map, and name what differs."""
from kit import *


def of_nbd(uri, context):
    return json.loads(command("nbdinfo", f"--map={context}", "--json", uri).stdout)


with Disk("mapped", size=96 * MIB) as disk:
    with Load(disk, rate=300, verify=False, part=(32 * MIB, 48 * MIB)) as load:
        numbers, copies = [], []
        for turn in range(3):
            load.pause()
            copies.append(disk.copy(f"copy-{turn}.raw"))
            snapshot = Taken(disk)
            load.resume()
            info = disk.info()
            numbers.append(info["changes_number"])
            generation = info["generation_id"]
            for name in (snapshot.image, disk.name):
                shell = listing("cbt-map", name)
                nbd = of_nbd(export(name), "qemu:dirty-bitmap:blksnap")
                check(coverage(shell) == coverage(nbd) == disk.size, "both maps cover the whole device")
                check(dirty(shell) == dirty(nbd), f"turn {turn}: NBD and shell tell different changes of {name}")
            if turn:
                check_covers(shell, differing(copies[-2], copies[-1]), "since the take before")
            counts = []
            for k, copy in zip(numbers, copies):
                shell = listing("cbt-map", disk.name, "--since", k, "--generation", generation)
                nbd = of_nbd(snapshot.uri, f"blksnap:changed:{generation}:{k}")
                check(coverage(shell) == coverage(nbd) == disk.size, f"since {k}: both maps cover the whole device")
                check(dirty(shell) == dirty(nbd), f"since {k}: NBD and shell tell different changes")
                check_covers(shell, differing(copy, copies[-1]), f"since {k}")
                counts.append(f"since {k}: {len(dirty(shell))}")
            say(f"take {numbers[-1]}: dirty extents, the same in both: {', '.join(counts)}")
            snapshot.destroy()
        load.end()
