#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installing Karaf's own features refreshes nothing that is there: a verified load goes on without a failed I/O."""
import re

from kit import *

# The web console wants an HTTP service that is there.
FEATURES = ["scheduler", "management", "http", "webconsole", "ssh"]
# What a user would call a failure.
PAUSE_LIMIT_MS = 2000


def log():
    return (HOME / "data" / "log" / "karaf.log").read_text(errors="replace")


def installed():
    rows = listing_of("feature:list", "-i", "--no-format")
    return {row.split()[0] for row in rows if row.strip()}


def listing_of(*arguments):
    return blksnap(*arguments).stdout.splitlines()


def wiring():
    """Bundles that are there, by id; what is refreshed gets a new revision, and its services new ids."""
    return {row.split()[0] for row in listing_of("bundle:list", "-s", "-t", "0", "--no-format") if row.strip()}


before = installed()
bundles = wiring()
with Disk("untouched") as disk:
    copy = disk.copy("copy.raw")
    snapshot = Taken(disk)
    generation = disk.info()["generation_id"]
    begun = len(log())
    added, missing = [], []
    try:
        with Load(disk) as load:
            for feature in FEATURES:
                if feature in before:
                    continue
                done = blksnap("feature:install", feature, expect=None)
                if done.returncode:
                    # No network, and not in the distribution: nothing is to be said of this one.
                    check(re.search(r"resolve|download|artifact", done.stdout + done.stderr, re.I), f"feature:install {feature}: {done.stdout}{done.stderr}")
                    missing.append(f"{feature} ({(done.stdout + done.stderr).strip()[:300]})")
                    continue
                added.append(feature)
                load.goes_on()
            if not added:
                skip(f"no Maven repository is reached: {missing}")
            check(compare(snapshot.uri, copy), "the image differs from the copy")
            snapshot.check_well()
            job = load.end()
        said = log()[begun:]
        refreshed = [row.strip() for block in re.findall(r"Refreshing bundles:(.*?)(?=\n\d{4}-|\Z)", said, re.S) for row in block.splitlines()]
        touched = [row for row in refreshed if row]
        check(not touched, f"bundles that were there were refreshed: {touched}")
        check(bundles <= wiring(), "bundles have gone")
        check(disk.info()["generation_id"] == generation, "the change map was begun anew")
        longest = longest_latency(job)
        check(longest <= PAUSE_LIMIT_MS, f"an I/O took {longest:.0f} ms")
        say(f"{', '.join(added)}: no failed I/O, {job['write']['total_ios']} writes, the longest {longest:.1f} ms"
            + (f"; not to be had here: {', '.join(missing)}" if missing else ""))
    finally:
        for feature in reversed(added):
            blksnap("feature:uninstall", feature, expect=None)
