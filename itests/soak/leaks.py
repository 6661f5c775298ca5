# SPDX-License-Identifier: Apache-2.0
"""What must not grow: looked at when everything is at rest, and compared with the first of those moments."""
import os
import pathlib
import subprocess
import time

# How much more than at the first rest points there may be.
MORE_THREADS = 10
MORE_DESCRIPTORS = 25
MORE_MEMORY_MIB = 400
MORE_STATE_FILES = 4
MORE_LOOP_DEVICES = 0
# The first rest points only tell what is usual.
FIRST_POINTS = 2
# Threads and descriptors of what has just ended go within this time.
SETTLE_SECONDS = 30


class Leaks:
    def __init__(self, soak):
        self.soak = soak
        self.bounds = None
        self.points = 0

    def figures(self):
        process = pathlib.Path(f"/proc/{self.soak.server.pid()}")
        memory = next(int(line.split()[1]) for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
        loops = subprocess.run(["losetup", "-n", "-O", "BACK-FILE"], capture_output=True, text=True).stdout
        state = self.soak.server.home / "data" / "blksnap"
        return {
            "threads": len(os.listdir(process / "task")),
            "descriptors": len(os.listdir(process / "fd")),
            "MiB of memory": memory >> 10,
            "files of state": sum(len(files) for _, _, files in os.walk(state)),
            "loop devices": loops.count(str(self.soak.server.work)),
        }

    def at_rest(self):
        """Nothing is held, nobody writes; what stays behind is told."""
        journal, server = self.soak.journal, self.soak.server
        snapshots = os.listdir(server.home / "data/blksnap/snapshots") if (server.home / "data/blksnap/snapshots").exists() else []
        if snapshots:
            journal.difference(f"left in the state directory when no snapshot is held: {snapshots}")
        left = [str(p) for p in (server.work / "diff").rglob("*.diff")]
        if left:
            journal.difference(f"left in storage directories when no snapshot is held: {left[:4]}")
        found = self.figures()
        self.points += 1
        if self.points <= FIRST_POINTS:
            more = (MORE_THREADS, MORE_DESCRIPTORS, MORE_MEMORY_MIB, MORE_STATE_FILES, MORE_LOOP_DEVICES)
            bounds = {key: found[key] + extra for key, extra in zip(found, more)}
            self.bounds = {key: max(bounds[key], self.bounds[key]) for key in bounds} if self.bounds else bounds
            journal.remark(f"at rest: {found}")
            return
        end = time.monotonic() + SETTLE_SECONDS
        while any(found[key] > self.bounds[key] for key in found) and time.monotonic() < end:
            time.sleep(1)
            found = self.figures()
        for key, value in found.items():
            if value > self.bounds[key]:
                journal.difference(f"at rest point {self.points}: {value} {key}, more than {self.bounds[key]}, the bound from the first ones")
            else:
                journal.passed()
        journal.remark(f"at rest: {found}")
