#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A guardian that stood still while the engine died, and others wrote, proves nothing when it goes on: no change is hidden."""
import re

from faults import *

WRITTEN_AT = 40 * MIB


def guardian():
    """The child of the JVM that is called so."""
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
            # The JVM's child; what it has forked itself has the same words.
            parent = re.search(r"^PPid:\s*(\d+)", (entry.parent / "status").read_text(), re.MULTILINE)
        except OSError:
            continue
        if b"blksnap-guardian" in words and int(parent.group(1)) == pid():
            return int(entry.parent.name)
    fail("the JVM has no guardian")


def the_guardian_alone():
    os.kill(guardian(), signal.SIGSTOP)


def the_jvm_and_its_guardian():
    stopped = guardian()
    os.kill(pid(), signal.SIGSTOP)
    os.kill(stopped, signal.SIGSTOP)


class Block(Disk):
    """A disk on a block device."""

    def __init__(self, name, device, size):
        self.name, self.size, self.path = name, size, device.path
        self.attached = listing("device-attach", device.path, "--name", name)


def goes_through(disk, path, stopped, what):
    command("qemu-io", "-f", "raw", "-c", "write -P 5 1M 64k", "-c", "flush", disk.uri)
    first = disk.copy("first.raw")
    snapshot = Taken(disk)
    before = disk.info()
    watching = guardian()
    stopped()
    kill()
    write_behind_its_back(path, WRITTEN_AT)
    os.kill(watching, signal.SIGCONT)
    start()
    check_after_a_foreign_write(disk, snapshot, before, first, what)


SIZE = 64 * MIB
wrong = []
for stopped in (the_guardian_alone, the_jvm_and_its_guardian):
    what = f"{stopped.__name__.replace('_', ' ')} stopped, device a file"
    with Disk("stopped", once=False) as disk:
        try:
            goes_through(disk, disk.path, stopped, what)
        except SystemExit:
            wrong.append(what)
    what = f"{stopped.__name__.replace('_', ' ')} stopped, device a loop device"
    with LoopDevice("stood", SIZE) as device, Block("stood", device, SIZE) as disk:
        try:
            goes_through(disk, device.path, stopped, what)
        except SystemExit:
            wrong.append(what)
check(not wrong, f"{len(wrong)} of 4: {'; '.join(wrong)}")
