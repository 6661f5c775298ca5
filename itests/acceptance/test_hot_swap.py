#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Any bundle is updated under a verified load and a held snapshot: no failed I/O, the image exact."""
from concurrent.futures import ThreadPoolExecutor

from kit import *

BUNDLES = ["tracker", "chunk", "diffstorage", "device", "nbd", "event", "shell", "console", "ioctl", "control", "snapshot"]
# The goal is 250 ms (P10); this is no bench, so only what a user would call a failure fails.
PAUSE_LIMIT_MS = 2000
rounds = int(os.environ.get("ACCEPTANCE_ROUNDS", "2"))


def swap(names):
    """Updates bundles, several at once."""
    with ThreadPoolExecutor(len(names)) as pool:
        for name, done in zip(names, pool.map(update, names)):
            check(done.returncode == 0, f"update of {name}: {done.stdout}{done.stderr}")
    until(f"{names} active again", lambda: blksnap("version", expect=None).returncode == 0)
    for name in names:
        until(f"{name} active", lambda: f"{name}" in active())


def update(name):
    return blksnap("bundle:update", f"org.blksnap.{name}", f"file:{bundle_jar(name)}", expect=None)


def active():
    rows = blksnap("bundle:list", "-s", "-t", "0", "--no-format", expect=None).stdout.splitlines()
    return {row.split()[-1].removeprefix("org.blksnap.") for row in rows if "Active" in row and "org.blksnap." in row}


def under_load(names, times):
    with Disk("swapped") as disk:
        copy = disk.copy("copy.raw")
        snapshot = Taken(disk)
        generation = disk.info()["generation_id"]
        with Load(disk) as load:
            for _ in range(times):
                swap(names)
                load.goes_on()
            check(compare(snapshot.uri, copy), f"{names}: the image differs from the copy")
            snapshot.check_well()
            load.check_runs()
            job = load.end()
        check(compare(snapshot.uri, copy), f"{names}: the image differs from the copy after the load")
        check(not compare(disk.uri, snapshot.uri), f"{names}: nothing was written")
        snapshot.check_well()
        check(disk.row()["condition"] == "ok", f"{names}: {disk.row()}")
        latest = disk.info()
        check(latest["generation_id"] == generation, f"{names}: the change map was begun anew: {latest}")
        longest = longest_latency(job)
        gate = disk.row()["gate_maximum_ns"] / 1e6
        say(f"{'+'.join(names)} x{times}: longest completion {longest:.0f} ms (goal 250), gate closed {gate:.1f} ms at most, "
            f"{job['write']['total_ios']} writes")
        check(longest <= PAUSE_LIMIT_MS, f"{names}: an I/O took {longest:.0f} ms, more than {PAUSE_LIMIT_MS}")


only = os.environ.get("ACCEPTANCE_BUNDLES")
for bundle in only.split() if only else BUNDLES:
    under_load(bundle.split("+"), rounds)
if not only:
    under_load(["tracker", "chunk", "diffstorage", "device"], 1)
