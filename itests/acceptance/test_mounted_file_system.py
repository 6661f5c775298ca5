#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A mounted ext4, attached by force, is frozen for the take and thawed after it: its image is clean and has every file.

Nothing is synced before the take, and ext4 is told to take its time: what is in the image got there by the freeze. What a
mounted file system writes goes past the engine, so nothing is written between the take and the copy of its image.
"""
import hashlib

from kit import *

FILES = 60
# Seconds until ext4 would write by itself.
LAZY = 600

if os.geteuid() != 0:
    skip("needs root for loop devices and mounts")


def sums(folder):
    """Checksums of all files below a folder, by name."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


image, point, copy, seen = WORK / "fs.img", WORK / "mnt", WORK / "image.raw", WORK / "seen"
command("truncate", "-s", "64M", image)
command("mkfs.ext4", "-q", image)
point.mkdir()
seen.mkdir()
loop = command("losetup", "--find", "--show", image).stdout.strip()
try:
    command("mount", "-o", f"commit={LAZY}", loop, point)
    try:
        blksnap("device-attach", loop, "--name", "fs", "--force", "--once")
        try:
            for i in range(FILES):
                path = point / "kept" / f"d{i % 4}" / f"f{i}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(os.urandom(1 + i * 7919 % 200_000))
            before = sums(point / "kept")
            taken = listing("snapshot", "fs", "--directory", WORK, "--limit", "256M")
            check(not taken["crash_consistent"], f"the file system was not frozen: {taken['warnings']}")
            command("nbdcopy", export(taken["images"][0]), copy)
            begin = time.monotonic()
            (point / "after").write_bytes(os.urandom(MIB))
            os.sync()
            thawed = time.monotonic() - begin
            check(thawed < CONDITION_LIMIT, "the file system is still frozen")
        finally:
            blksnap("snapshot-destroy", "--all", expect=None)
            blksnap("device-detach", "fs", expect=None)
    finally:
        command("umount", point)
finally:
    command("losetup", "--detach", loop)

command("e2fsck", "-fn", copy)
command("mount", "-o", "loop,ro,noload", copy, seen)
try:
    found = sums(seen / "kept")
    check(not (seen / "after").exists(), "a file made after the take is in the image")
finally:
    command("umount", seen)
check(found == before, f"{sum(found.get(name) != total for name, total in before.items())} of {FILES} files are not as they were")
say(f"{FILES} files of the image as they were, e2fsck clean; a write after the take ended within {thawed:.1f} s; "
    f"writers held {taken['held_ns'] / 1e6:.1f} ms")
