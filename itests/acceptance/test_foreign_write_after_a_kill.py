#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who writes to a block device between a kill of the JVM and its next start hides no change: the map names it, or begins anew."""
from faults import *


class Block(Disk):
    """A disk on a block device."""

    def __init__(self, name, device, size):
        self.name, self.size, self.path = name, size, device.path
        self.attached = listing("device-attach", device.path, "--name", name)


SIZE = 64 * MIB
wrong = []
with LoopDevice("foreign", SIZE) as device, Block("foreign", device, SIZE) as disk:
    # The second write lies in a block that the map knows as changed already in no generation.
    for offset in (8 * MIB, 40 * MIB):
        command("qemu-io", "-f", "raw", "-c", "write -P 5 1M 64k", "-c", "flush", disk.uri)
        first = disk.copy("first.raw")
        snapshot = Taken(disk)
        before = disk.info()
        kill()
        until_the_guardian_has_seen()
        write_behind_its_back(device.path, offset)
        start()
        what = f"a write at {offset >> 20} MiB between kill and start"
        try:
            check_after_a_foreign_write(disk, snapshot, before, first, what)
        except SystemExit:
            wrong.append(what)
    check(not wrong, f"{len(wrong)} of 2: {'; '.join(wrong)}")
