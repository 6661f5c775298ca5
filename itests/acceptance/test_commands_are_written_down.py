#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who ran which command, and which failed, is in data/log/security.log, for its owner's eyes alone."""
from kit import *

LOG = HOME / "data" / "log" / "security.log"
name = f"marked {os.getpid()}"


def lines(text):
    return [line for line in LOG.read_text(encoding="utf-8").splitlines() if text in line] if LOG.exists() else []


blksnap("device-list", "--json")
refused("device-attach", WORK / name)
until("both lines of a command that failed", lambda: len(lines(name)) >= 2)
began, failed = lines(name)[:2]
check(" user root runs: blksnap:device-attach " in began, f"the line of the command: {began}")
check(" user root failed: blksnap:device-attach " in failed and "ENOENT" in failed, f"the line of its failure: {failed}")
check(lines("runs: blksnap:device-list --json"), "a command that ended well is not written down")
check(LOG.stat().st_mode & 0o077 == 0, f"others may read {LOG}: {LOG.stat().st_mode:o}")
say(failed)
