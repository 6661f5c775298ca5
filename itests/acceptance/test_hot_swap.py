#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Any bundle is updated under a verified load and a held snapshot: no failed I/O, the image exact."""
from kit import *

BUNDLES = ["tracker", "chunk", "diffstorage", "device", "nbd", "event", "shell", "ioctl", "snapshot"]
# The goal is 250 ms (P10); this is no bench, so only what a user would call a failure fails.
PAUSE_LIMIT_MS = 2000
# The command line goes on in the shell it is given to; swapped, its answer may be lost.
UNHEARD = {"shell"}
rounds = int(os.environ.get("ACCEPTANCE_ROUNDS", "2"))


def swap(names):
    """Updates bundles in one command line."""
    line = " ; ".join(f"bundle:update org.blksnap.{n} file:{bundle_jar(n)}" for n in names)
    done = command(*ssh(), line, expect=None)
    check(done.returncode == 0 or UNHEARD & set(names), f"{line}: {done.stdout}{done.stderr}")
    until(f"{names} active again", lambda: blksnap("version", expect=None).returncode == 0)
    for name in names:
        until(f"{name} active", lambda: f"{name}" in active())


def ssh():
    key = HOME / "data" / "blksnap-shell.key"
    return ["ssh", "-F", "/dev/null", "-n", "-T", "-p", os.environ["BLKSNAP_SSH_PORT"], "-i", key, "-l", "karaf",
            "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new", "-o",
            "LogLevel=QUIET", "-o", f"UserKnownHostsFile={HOME}/data/blksnap-shell.known_hosts", "127.0.0.1"]


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
