# SPDX-License-Identifier: Apache-2.0
"""Compares blksnap with its peers: goals P1 to P5 and P8, in one run.

All sides serve a copy of the same data on the same file system, in page cache, with the servers on one set of cpus and
fio on another (or all on all). Sides take turns, run by run; each work begins with a run that is not counted; before
each run the side's file is flushed, so that nobody pays for another's dirty pages. Medians are compared.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack

import pause
import report
from blksnap import Blksnap
from load import Load
from peers import Nbdkit, Qsd

MIB = 2**20
RANDOM_DEPTH = 16
SEQUENTIAL_DEPTH = 4

READ_4K = "P1 random read 4 KiB, depth 16"
WRITE_4K = "P1 random write 4 KiB, depth 16"
FIRST_TOUCH = "P2 random write 4 KiB, depth 16, fresh snapshot"
FIRST_TOUCH_P99 = "P2 latency p99"
SEQUENTIAL = "P3 sequential write 1 MiB, fresh snapshot"
READ_LIVE = "P4 sequential read 1 MiB, live device"
READ_IMAGE = "P4 sequential read 1 MiB, image"
READ_SAVED = "P4 sequential read 1 MiB, image, half of it overwritten since"
COPIED = "P8 bytes copied a byte written"

WORKS = (
    (READ_4K, "IOPS"),
    (WRITE_4K, "IOPS"),
    (FIRST_TOUCH, "IOPS"),
    (FIRST_TOUCH_P99, "µs"),
    (SEQUENTIAL, "MiB/s"),
    (READ_LIVE, "MiB/s"),
    (READ_IMAGE, "MiB/s"),
    (READ_SAVED, "MiB/s"),
    (COPIED, "ratio"),
)


def arguments():
    parser = argparse.ArgumentParser(prog="compare-qsd.sh", description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--dist", help="an unpacked distribution; without it, karaf-dist/target/*.tar.gz is unpacked")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each work (5)")
    parser.add_argument("--seconds", type=int, default=5, help="length of a timed run (5)")
    parser.add_argument("--size", type=int, default=2048, help="MiB of the device (2048)")
    parser.add_argument("--takes", type=int, default=100, help="takes for P5 (100)")
    parser.add_argument("--quick", action="store_true", help="a short look: 1 run, 2 s, 512 MiB, 10 takes")
    parser.add_argument("--server-cpus", default="", help="cpus of every server, as for taskset; all of them")
    parser.add_argument("--client-cpus", default="", help="cpus of fio, as for taskset; all of them")
    parser.add_argument("--scratch", help="where all files go; $TMPDIR or /var/tmp")
    parser.add_argument("--peers-only", action="store_true", help="without our side: to see what the peers do")
    parser.add_argument("--only", default="P1,P2,P3,P4,P5", help="works to do, by goal; P8 is measured with P2")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds, options.size, options.takes = 1, 2, 512, 10
    if options.runs < 1 or options.seconds < 1 or options.size < 64 or options.takes < 1:
        parser.error("--runs, --seconds and --takes are 1 or more, --size is 64 or more")
    return options


class Comparison:
    """The sides, the load, and what was measured."""

    def __init__(self, options, scratch):
        self._options = options
        self._scratch = scratch
        self._load = Load(scratch, options.client_cpus)
        self._figures = report.Figures()
        self._disks = {}
        self._running = ExitStack()
        self.sides = []
        self.ours = None

    def start(self, distribution):
        """Makes a copy of the data for each side, reads it into the page cache, and starts all servers."""
        kinds = [Qsd, Nbdkit] if distribution is None else [Blksnap, Qsd, Nbdkit]
        for kind in kinds:
            self._disks[kind.name] = os.path.join(self._scratch, f"disk-{kind.name}")
        template = os.path.join(self._scratch, "template")
        with open(template, "wb", buffering=0) as file:
            for _ in range(self._options.size):
                file.write(os.urandom(MIB))
        # All copies are made the same way: how a file came into the page cache decides the size of its folios, and with it the
        # cost of a small write.
        for disk in self._disks.values():
            shutil.copyfile(template, disk)
            warm(disk)
        os.unlink(template)
        cpus = self._options.server_cpus
        for kind in kinds:
            say(f"starting {kind.name}")
            if kind is Blksnap:
                side = self.ours = Blksnap(distribution, self._scratch, cpus)
            else:
                side = kind(self._scratch, self._disks[kind.name], cpus)
            self._running.callback(side.close)
            self.sides.append(side)
        if self.ours is not None:
            self.ours.attach(self._disks[Blksnap.name], "disk")

    def run(self):
        """Every work with every side, turn by turn; the first round is not counted."""
        chosen = self._options.only.split(",")
        works = [("P1", self._raw), ("P2", self._first_touch), ("P3", self._overwrite), ("P4", self._read)]
        for goal, work in works:
            if goal not in chosen:
                continue
            for turn in range(self._options.runs + 1):
                say(f"{goal} run {turn} of {self._options.runs}" + (" (not counted)" if turn == 0 else ""))
                for side in self.sides:
                    work(side, turn)

    def pauses(self):
        """P5, ours alone: a list of figures for one device and one for eight."""
        if self.ours is None or "P5" not in self._options.only.split(","):
            return None, None
        bench = pause.PauseBench(self.ours, self._load, self._scratch, self._options.takes)
        return bench.run(1, say), bench.run(8, say)

    def tell(self, one, eight):
        """Prints it all; True where every goal measured is met."""
        cpus = (self._options.server_cpus or "all", self._options.client_cpus or "all")
        notes = [f"servers on cpus: {cpus[0]}; fio on cpus: {cpus[1]}"]
        notes.append(f"device of {self._options.size} MiB in page cache; medians of {self._options.runs} runs (lowest … highest)")
        if self.ours is not None:
            notes.append(f"JVM options: {self.ours.java_options() or 'none'}")
        print("\n## Machine\n\n" + report.machine(self._scratch, notes))
        print("\n## Figures\n\n" + self._figures.table(WORKS, [side.name for side in self.sides]))
        for pauses in (one, eight):
            if pauses is not None:
                print("\n" + pauses.text())
        print("\n## Goals\n")
        return self._goals(one, eight) if self.ours is not None else True

    def _goals(self, one, eight):
        chosen = self._options.only.split(",")
        median = self._figures.median
        met = []
        if "P1" in chosen:
            for work, what, qsd, nbdkit in ((READ_4K, "random read", 3.0, 1.2), (WRITE_4K, "random write", 2.5, 1.05)):
                own = median(work, "blksnap")
                met.append(report.goal_at_least("P1", report.ratio(own, median(work, "qsd")), qsd, f"{what}, times qsd"))
                met.append(report.goal_at_least("P1", report.ratio(own, median(work, "nbdkit")), nbdkit, f"{what}, times nbdkit"))
        for goal, work, least in (("P2", FIRST_TOUCH, 5.0), ("P3", SEQUENTIAL, 3.5), ("P4", READ_IMAGE, 2.0)):
            if goal in chosen:
                value = report.ratio(median(work, "blksnap"), median(work, "qsd"))
                met.append(report.goal_at_least(goal, value, least, work[3:] + ", times qsd"))
        if "P4" in chosen:
            value = report.ratio(median(READ_IMAGE, "blksnap"), median(READ_LIVE, "blksnap"))
            met.append(report.goal_at_least("P4", value, 1.0, "image, times our own live device"))
        for pauses, most in ((one, 0.5), (eight, 1.5)):
            if pauses is not None:
                met.append(report.goal_at_most("P5", pauses.p99_millis(), most, pauses.what()))
        if "P2" in chosen:
            value = report.ratio(median(FIRST_TOUCH_P99, "blksnap"), median(FIRST_TOUCH_P99, "qsd"))
            met.append(report.goal_at_most("P2", value, 0.5, "latency p99, times qsd's"))
            met.append(report.goal_at_most("P8", median(COPIED, "blksnap"), 1.1, "bytes copied a byte written"))
        return all(met)

    def _settle(self, side):
        with open(self._disks[side.name], "rb+") as file:
            os.fsync(file.fileno())

    def _keep(self, turn, work, side, value):
        if turn > 0:
            self._figures.add(work, side.name, value)

    def _raw(self, side, turn):
        with side.live() as uri:
            for work, pattern in ((READ_4K, "randread"), (WRITE_4K, "randwrite")):
                self._settle(side)
                done = self._load.timed(uri, pattern, "4k", RANDOM_DEPTH, self._options.seconds, turn + 1)
                self._keep(turn, work, side, done.iops)

    def _first_touch(self, side, turn):
        """One write for each 64 KiB of the device on average: the same writes, in the same order, for every side."""
        if side.name == "nbdkit":
            return
        self._settle(side)
        with side.snapshot() as held:
            done = self._load.amount(
                held.live, "randwrite", "4k", RANDOM_DEPTH, self._options.size * MIB // 16, turn + 1
            )
            self._keep(turn, FIRST_TOUCH, side, done.iops)
            self._keep(turn, FIRST_TOUCH_P99, side, done.p99_us)
            self._keep(turn, COPIED, side, held.copied_bytes() / done.bytes)

    def _overwrite(self, side, turn):
        """Half of the device, from its beginning; then the image is read, half of it saved by now."""
        if side.name == "nbdkit":
            return
        half = self._options.size * MIB // 2
        self._settle(side)
        with side.snapshot() as held:
            done = self._load.amount(held.live, "write", "1m", SEQUENTIAL_DEPTH, half, turn + 1)
            self._keep(turn, SEQUENTIAL, side, done.mib_per_second)
            self._settle(side)
            done = self._load.amount(held.image, "read", "1m", SEQUENTIAL_DEPTH, half * 2, turn + 1)
            self._keep(turn, READ_SAVED, side, done.mib_per_second)

    def _read(self, side, turn):
        size = self._options.size * MIB
        self._settle(side)
        with side.live() as uri:
            done = self._load.amount(uri, "read", "1m", SEQUENTIAL_DEPTH, size, turn + 1)
            self._keep(turn, READ_LIVE, side, done.mib_per_second)
        if side.name == "nbdkit":
            return
        with side.snapshot() as held:
            done = self._load.amount(held.image, "read", "1m", SEQUENTIAL_DEPTH, size, turn + 1)
            self._keep(turn, READ_IMAGE, side, done.mib_per_second)

    def close(self):
        """Stops every server that was started."""
        self._running.close()


def warm(path):
    """Into the page cache, and clean."""
    with open(path, "rb+", buffering=0) as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        # Page by page, as random work would have brought them in: in large folios every small write costs the kernel more.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        while file.read(MIB):
            pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        return compare(options)
    except (RuntimeError, OSError, subprocess.SubprocessError) as failure:
        say(f"compare-qsd.sh: {failure}")
        return 2


def compare(options):
    """0 where every goal measured is met, else 1."""
    began = time.monotonic()
    scratch = tempfile.mkdtemp(prefix="blksnap-bench.", dir=options.scratch or os.environ.get("TMPDIR") or "/var/tmp")
    try:
        distribution = None if options.peers_only else find_distribution(options.dist, scratch)
        comparison = Comparison(options, scratch)
        try:
            comparison.start(distribution)
            comparison.run()
            one, eight = comparison.pauses()
            met = comparison.tell(one, eight)
        finally:
            comparison.close()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(f"took {time.monotonic() - began:.0f} s")
    return 0 if met else 1


def find_distribution(given, scratch):
    """The given one, or the one the build made, unpacked here."""
    if given:
        if not os.path.exists(os.path.join(given, "bin", "blksnap")):
            raise RuntimeError(f"--dist {given}: no bin/blksnap in it; name the folder of an unpacked distribution")
        return os.path.abspath(given)
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
    target = os.path.join(root, "karaf-dist", "target")
    archives = sorted(
        name for name in (os.listdir(target) if os.path.isdir(target) else ()) if name.endswith(".tar.gz")
    )
    if len(archives) != 1:
        raise RuntimeError(f"{target} has {len(archives)} *.tar.gz, one is needed: build karaf-dist, or give --dist")
    unpacked = os.path.join(scratch, "dist")
    os.makedirs(unpacked)
    shutil.unpack_archive(os.path.join(target, archives[0]), unpacked)
    (folder,) = os.listdir(unpacked)
    return os.path.join(unpacked, folder)


if __name__ == "__main__":
    sys.exit(main())
