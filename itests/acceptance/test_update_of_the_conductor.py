#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The conductor is updated with NBD clients connected and storage in memory: both live on, alone and with the NBD bundle's update right after."""
from kit import *

UPDATES = 3
READERS = 2
# The goal is 250 ms (P10); this is no bench, so only what a user would call a failure fails.
PAUSE_LIMIT_MS = 5000
# The system's own Python has libnbd; another one may come first.
PYTHON = next((p for p in ("/usr/bin/python3", "python3") if command(p, "-c", "import nbd", expect=None).returncode == 0), None)
# More than the disk, so that the storage never asks.
MEMORY = "128M"


def update(name):
    blksnap("bundle:update", f"org.blksnap.{name}", f"file:{bundle_jar(name)}")


def restart_of_the_conductor():
    blksnap("bundle:restart", "org.blksnap.snapshot")


class Reader:
    """A client that reads the image over and over through one connection, and compares it with the copy."""

    PROGRAM = """
import nbd, sys
uri, path, limit = sys.argv[1], sys.argv[2], 1 << 18
copy = open(path, "rb").read()
h = nbd.NBD()
h.connect_uri(uri)
print("connected", flush=True)
rounds = 0
while True:
    for at in range(0, len(copy), limit):
        got = h.pread(min(limit, len(copy) - at), at)
        if got != copy[at:at + limit]:
            sys.exit(f"the image differs at {at}, in round {rounds}")
    rounds += 1
    print("round", rounds, flush=True)
"""

    def __init__(self, uri, copy, number):
        self.path = WORK / f"reader-{number}.out"
        self.log = open(self.path, "w")
        self.process = subprocess.Popen([PYTHON, "-c", self.PROGRAM, uri, copy], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        until("the reader has read the image once", lambda: self.rounds() > 0)

    def check_runs(self):
        check(self.process.poll() is None, f"a reader ended: {self.path.read_text()[-600:]}")

    def rounds(self):
        self.check_runs()
        return self.path.read_text().count("round ")

    def goes_on(self):
        # The round under way may have begun before; the one after it has not.
        wanted = self.rounds() + 2
        until("the reader has read the image once more", lambda: self.rounds() >= wanted)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def lives_on(disk, snapshot, copy, load, readers, disturb, what):
    disturb()
    load.goes_on()
    for reader in readers:
        reader.goes_on()
    check(compare(snapshot.uri, copy), f"{what}: the image differs from the copy under load")
    snapshot.check_well()
    check(disk.row()["condition"] == "ok", f"{what}: {disk.row()}")
    load.check_runs()
    say(f"{what}: load and {len(readers)} readers went on, the image is exact")


if not PYTHON:
    skip("no libnbd for Python (python3-libnbd)")
with Disk("updated") as disk:
    copy = disk.copy("copy.raw")
    snapshot = Taken(disk, options=("--memory", MEMORY))
    generation = disk.info()["generation_id"]
    with Load(disk) as load:
        readers = []
        try:
            readers += [Reader(snapshot.uri, copy, n) for n in range(READERS)]
            until("chunks are stored in memory", lambda: snapshot.info()["storage_filled"] > 0)
            for _ in range(UPDATES):
                lives_on(disk, snapshot, copy, load, readers, lambda: update("snapshot"), "update of the conductor")
            lives_on(disk, snapshot, copy, load, readers, restart_of_the_conductor, "restart of the conductor")
            lives_on(disk, snapshot, copy, load, readers, lambda: (update("nbd"), update("snapshot")), "update of nbd, then of the conductor")
            lives_on(disk, snapshot, copy, load, readers, lambda: (update("snapshot"), update("nbd")), "update of the conductor, then of nbd")
            lives_on(disk, snapshot, copy, load, readers, lambda: (update("snapshot"), update("diffstorage")), "update of the conductor, then of diffstorage")
            lives_on(disk, snapshot, copy, load, readers, lambda: (update("control"), update("snapshot")), "update of control, then of the conductor")
        finally:
            for reader in readers:
                reader.end()
        job = load.end()
    check(compare(snapshot.uri, copy), "the image differs from the copy after the load")
    check(not compare(disk.uri, snapshot.uri), "nothing was written")
    check(disk.info()["generation_id"] == generation, f"the change map was begun anew: {disk.info()}")
    longest = longest_latency(job)
    say(f"longest completion {longest:.0f} ms, {job['write']['total_ios']} writes, {snapshot.info()['storage_filled'] >> 20} MiB in memory")
    check(longest <= PAUSE_LIMIT_MS, f"an I/O took {longest:.0f} ms, more than {PAUSE_LIMIT_MS}")

# Without a successor in time what was left is let go of: the image says so, the device goes on. How long that is stands in a configuration
# that two bundles read: the conductor tells of its bad value, and the shelf goes by the good one.
configuration = HOME / "etc" / "org.blksnap.engine.cfg"
with Disk("left") as disk:
    configuration.write_text("handover_timeout_seconds = 2\ngate_timeout_milliseconds = never\n")
    try:
        until("the conductor has read the configuration", lambda: "gate_timeout_milliseconds" in blksnap("doctor", expect=None).stdout)
        snapshot = Taken(disk, options=("--memory", MEMORY))
        command("qemu-io", "-f", "raw", "-c", "write -P 7 0 16M", disk.uri)
        until("chunks are stored in memory", lambda: snapshot.info()["storage_filled"] > 0)
        log = HOME / "data" / "log" / "karaf.log"
        blksnap("bundle:stop", "org.blksnap.snapshot")
        until("the shelf has let go of the memory", lambda: f"nobody came for diffstorage.memory.{snapshot.id} within 2000 ms" in log.read_text())
        blksnap("bundle:start", "org.blksnap.snapshot")
        until("the device is there again", disk.row)
        lost = until("the image says that it is lost", snapshot.corrupted)
        command("qemu-io", "-f", "raw", "-c", "read -P 7 0 16M", disk.uri)
        say(f"left too long: {lost['detail']}")
    finally:
        configuration.unlink()
    until("the configuration is forgotten", lambda: "gate_timeout_milliseconds" not in blksnap("doctor", expect=None).stdout)
