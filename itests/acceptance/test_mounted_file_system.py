#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A mounted ext4, attached by force, is frozen for the take and thawed after it."""
from kit import *

if os.geteuid() != 0:
    skip("needs root for loop devices and mounts")

image, point = WORK / "fs.img", WORK / "mnt"
command("truncate", "-s", "64M", image)
command("mkfs.ext4", "-q", image)
point.mkdir()
loop = command("losetup", "--find", "--show", image).stdout.strip()
try:
    command("mount", loop, point)
    try:
        (point / "before").write_bytes(os.urandom(MIB))
        blksnap("device-attach", loop, "--name", "fs", "--force", "--once")
        try:
            taken = listing("snapshot", "fs", "--directory", WORK, "--limit", "256M")
            begin = time.monotonic()
            (point / "after").write_bytes(os.urandom(MIB))
            os.sync()
            check(time.monotonic() - begin < CONDITION_LIMIT, "the file system is still frozen")
            command("nbdcopy", export(taken["images"][0]), WORK / "image.raw")
            check(not taken["crash_consistent"], f"the file system was not frozen: {taken['warnings']}")
            say(f"writable {time.monotonic() - begin:.1f} s after the take; writers held {taken['held_ns'] / 1e6:.1f} ms")
        finally:
            blksnap("snapshot-destroy", "--all", expect=None)
            blksnap("device-detach", "fs", expect=None)
    finally:
        command("umount", point)
finally:
    command("losetup", "--detach", loop)
