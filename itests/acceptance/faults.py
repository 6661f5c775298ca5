# SPDX-License-Identifier: Apache-2.0
"""The distribution with faults beneath it: clocks that are set, storage that is slow (itests/faults)."""
import shutil

from kit import *

SOURCES = pathlib.Path(__file__).resolve().parent.parent / "faults"
CONTROL = WORK / "faults.control"


def faultctl(*words):
    return command(SOURCES / "faultctl", "--control", CONTROL, *words)


class Beneath:
    """The distribution, restarted with the faults' library; started anew without it by whoever comes next."""

    def __enter__(self):
        for program in ("make", "gcc"):
            if not shutil.which(program):
                skip(f"{program} is needed to build itests/faults")
        library = WORK / "faults" / "libfaults.so"
        command("make", "-s", "-C", SOURCES, f"OUT={library.parent}")
        faultctl("init")
        stop()
        self.environment = {**os.environ, "LD_PRELOAD": str(library), "BLKSNAP_FAULTS": str(CONTROL)}
        self.start()
        return self

    def start(self):
        command(PROGRAM, "start", env=self.environment)
        command(PROGRAM, "wait-ready", START_LIMIT, timeout=START_LIMIT + 10)
        check("libfaults.so" in pathlib.Path(f"/proc/{pid()}/maps").read_text(), "the library is not beneath the JVM")

    def __exit__(self, kind, value, trace):
        for words in (("clear",), ("clock", "true")):
            command(SOURCES / "faultctl", "--control", CONTROL, *words, expect=None)
        blksnap("stop", expect=None)


class LoopDevice:
    """A block device over a file of random bytes; attached through kit.Disk's own ways by its path."""

    def __init__(self, name, size):
        if os.geteuid() != 0:
            skip("block devices need root")
        self.file = WORK / f"{name}.backing"
        self.file.write_bytes(os.urandom(size))
        self.path = command("losetup", "--show", "-f", self.file).stdout.strip()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        command("losetup", "-d", self.path, expect=None)


def write_behind_its_back(path, offset, length=64 << 10):
    with open(path, "r+b") as stream:
        stream.seek(offset)
        stream.write(os.urandom(length))
        stream.flush()
        os.fsync(stream.fileno())


def check_nothing_is_missed(disk, before, first, what):
    """What differs from the copy `first`, made when the map was as `before` says, is named; or the map began anew."""
    snapshot = Taken(disk)
    now = disk.info()
    second = disk.copy("second.raw")
    blocks = differing(first, second)
    check(blocks, f"{what}: nothing differs: this proves nothing")
    rows = listing("cbt-map", disk.name, "--since", before["changes_number"], "--generation", before["generation_id"])
    check_covers(rows, blocks, f"{what}, generation {'kept' if now['generation_id'] == before['generation_id'] else now['reason']}")
    check(compare(snapshot.uri, second), f"{what}: the next image differs from its copy")
    snapshot.destroy()
    return now


def check_image_right_or_corrupted(snapshot, copy, what):
    """An image is what it was at the take, or says that it is not."""
    image = snapshot.corrupted()
    if image:
        check(image["detail"], f"{what}: corrupted without a reason: {image}")
        return
    check(compare(snapshot.uri, copy), f"{what}: the image passes for well and differs from the copy")


def check_after_a_foreign_write(disk, snapshot, before, first, what):
    """The image is right or says it is lost, and is let go of; the next increment has every change."""
    try:
        check_image_right_or_corrupted(snapshot, first, what)
    finally:
        snapshot.destroy()
    now = check_nothing_is_missed(disk, before, first, what)
    say(f"{what}: {'generation kept' if now['generation_id'] == before['generation_id'] else now['reason']}")
