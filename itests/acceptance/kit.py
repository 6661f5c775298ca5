# SPDX-License-Identifier: Apache-2.0
"""What the acceptance tests share: the distribution seen from outside, a disk, and a load.

Nothing of blksnap is trusted: files are compared here byte by byte, or by qemu-img.
"""
import contextlib
import glob
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

HOME = pathlib.Path(os.environ["BLKSNAP_HOME"])
WORK = pathlib.Path(os.environ["ACCEPTANCE_WORK"])
PROGRAM = str(HOME / "bin" / "blksnap")
MIB = 1 << 20
BLOCK = 4096

# Longest waits, seconds.
COMMAND_LIMIT = 120
START_LIMIT = 180
CONDITION_LIMIT = 30
LOAD_END_LIMIT = 60
# fio's exit status when it was asked to end and saw no error.
FIO_INTERRUPTED = 128
# A file is at rest when its time stamp has stood still for so many looks, so far apart (seconds).
REST_LOOKS = 3
REST_INTERVAL = 0.2


def say(*words):
    print(*words, flush=True)


def fail(message):
    say("FAILED:", message)
    sys.exit(1)


def skip(reason):
    say("skipped:", reason)
    sys.exit(77)


def check(condition, message):
    if not condition:
        fail(message)


def command(*arguments, expect=0, **options):
    """Runs a program; expect=None takes any exit status."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("timeout", COMMAND_LIMIT)
    arguments = [os.fsdecode(a) if isinstance(a, bytes) else str(a) for a in arguments]
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    if expect is not None and done.returncode != expect:
        fail(f"{' '.join(arguments)}: exit status {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
    return done


def blksnap(*arguments, expect=0):
    return command(PROGRAM, *arguments, expect=expect)


def listing(*arguments, expect=0):
    """A command's --json, parsed by Python's own reader."""
    out = blksnap(*arguments, "--json", expect=expect).stdout
    try:
        return json.loads(out)
    except ValueError as e:
        fail(f"{' '.join(map(str, arguments))} --json is no JSON: {e}\n{out[:400]}")


def refused(*arguments):
    """A command that has to fail with status 1 and one line; returns the line."""
    done = blksnap(*arguments, expect=1)
    lines = (done.stdout + done.stderr).strip().splitlines()
    check(len(lines) == 1, f"{' '.join(map(str, arguments))}: one line expected, got: {lines}")
    return lines[0]


def until(what, condition, limit=CONDITION_LIMIT):
    """Waits for a condition, returns what it returned; fails when it does not come true in time."""
    begin = time.monotonic()
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() - begin > limit:
            fail(f"not within {limit} s: {what}")
        time.sleep(0.05)


def unpack(home):
    """A fresh distribution in a directory that is not there yet."""
    source = os.environ["ACCEPTANCE_DIST"]
    os.makedirs(home)
    if os.path.isdir(source):
        command("sh", "-c", 'tar -C "$1" --exclude=./data --exclude=./instances -cf - . | tar -C "$2" -xf -', "sh", source, home)
    else:
        command("tar", "-C", home, "--strip-components=1", "-xzf", source)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pid():
    for line in (HOME / "instances" / "instance.properties").read_text().splitlines():
        if line.startswith("item.0.pid"):
            return int(line.split("=")[1])
    fail("no process id in instances/instance.properties")


def start():
    begin = time.monotonic()
    blksnap("start")
    command(PROGRAM, "wait-ready", START_LIMIT, timeout=START_LIMIT + 10)
    return time.monotonic() - begin


def stop():
    blksnap("stop")


def kill():
    """kill -9 of the JVM, and of nothing else. It may still hold its lock when this returns: a start has to see to that."""
    os.kill(pid(), signal.SIGKILL)


def until_the_guardian_has_seen():
    """After a kill: the guardian has told how the devices were left. What is written from now on is a foreign change."""
    until("the guardian has told how the devices were left",
          lambda: [p for p in (HOME / "data" / "blksnap").glob("facts-*") if p.suffix != ".new"])


def bundle_jar(name):
    found = glob.glob(str(HOME / f"system/org/blksnap/blksnap-{name}/*/*.jar"))
    check(len(found) == 1, f"one jar of {name} in system/ expected, found {found}")
    return found[0]


def export(name):
    for row in listing("export-list"):
        if row["name"] == name:
            return row["uri"]
    fail(f"{name} is not exported")


def compare(first, second):
    """qemu-img's own verdict: True where both hold the same bytes."""
    done = command("qemu-img", "compare", "-f", "raw", "-F", "raw", first, second, expect=None)
    if done.returncode > 1:
        fail(f"qemu-img compare {first} {second}: {done.stdout}{done.stderr}")
    return done.returncode == 0


def dirty(rows):
    """Dirty extents [begin, end) of a map listing, merged."""
    merged = []
    for row in sorted(rows, key=lambda r: r["offset"]):
        if row["type"] & 1 == 0 or row["length"] == 0:
            continue
        begin, end = row["offset"], row["offset"] + row["length"]
        if merged and merged[-1][1] == begin:
            merged[-1][1] = end
        else:
            merged.append([begin, end])
    return merged


def coverage(rows):
    """Bytes from 0 that a map listing tells of without a hole."""
    at = 0
    for row in sorted(rows, key=lambda r: r["offset"]):
        check(row["offset"] == at, f"the map has a hole or an overlap at {at}: {row}")
        at += row["length"]
    return at


def differing(first, second):
    """Offsets of the blocks in which two files differ."""
    found = []
    with open(first, "rb") as a, open(second, "rb") as b:
        offset = 0
        while True:
            x, y = a.read(MIB), b.read(MIB)
            check(len(x) == len(y), f"{first} and {second} differ in size")
            if not x:
                return found
            if x != y:
                found += [offset + i for i in range(0, len(x), BLOCK) if x[i:i + BLOCK] != y[i:i + BLOCK]]
            offset += len(x)


def check_covers(rows, blocks, what):
    """Every one of the blocks lies in a dirty extent."""
    named = dirty(rows)
    missed = [b for b in blocks if not any(begin <= b < end for begin, end in named)]
    check(not missed, f"{what}: {len(missed)} of {len(blocks)} differing blocks are not named, first at {missed[:3]}")


class Disk:
    """A file of random bytes, attached; detached at the end of the block with what hangs on it."""

    def __init__(self, name, size=64 * MIB, once=True):
        self.name = name
        self.size = size
        self.path = WORK / f"{name}.img"
        with open(self.path, "wb") as stream:
            for _ in range(size // MIB):
                stream.write(os.urandom(MIB))
        self.attached = listing("device-attach", self.path, "--name", name, *(["--once"] if once else []))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        # What failed stays to be told; tidying must not hide it.
        blksnap("snapshot-destroy", "--all", expect=None)
        blksnap("device-detach", self.name, expect=None)

    @property
    def uri(self):
        return export(self.name)

    def row(self):
        for row in listing("device-list"):
            if row["name"] == self.name:
                return row
        return None

    def info(self):
        return listing("cbt-info", self.name)

    def copy(self, name):
        """An independent copy of the file behind the device, as it is now."""
        target = WORK / name
        command("cp", "--sparse=always", self.path, target)
        return target


class Taken:
    """A taken snapshot of one or more disks, by `snapshot`."""

    def __init__(self, *disks, options=()):
        storage = WORK / "diff"
        storage.mkdir(exist_ok=True)
        if not options:
            options = ("--directory", storage, "--limit", "4G")
        self.result = listing("snapshot", *(d.name for d in disks), *options)
        self.id = self.result["id"]
        self.images = self.result["images"]
        self.image = self.images[0]

    @property
    def uri(self):
        return export(self.image)

    def info(self):
        return listing("snapshot-info", self.id)

    def check_well(self):
        info = self.info()
        check(info["state"] == "taken" and not info["overflown"], f"the snapshot is not well: {info}")
        for image in info["images"]:
            check(image["error_code"] == 0, f"the image is not well: {image}")

    def corrupted(self):
        """Its first corrupted image, or None."""
        return next((i for i in self.info()["images"] if i["error_code"] != 0), None)

    def destroy(self):
        blksnap("snapshot-destroy", self.id)


class Load:
    """fio writing to a disk over NBD and verifying what it wrote, until it is ended."""

    def __init__(self, disk, name="load", rate=None, verify=True, part=None):
        """part: (offset, length), where fio writes; the whole disk otherwise."""
        offset, length = part or (0, disk.size)
        self.disk = disk
        self.output = WORK / f"{name}.json"
        self.log = open(WORK / f"{name}.out", "w")
        arguments = [
            "fio", f"--name={name}", "--thread", "--ioengine=nbd", f"--uri={disk.uri}", "--rw=randwrite", "--bs=4k",
            "--iodepth=16", f"--offset={offset}", f"--size={length}", "--time_based", "--runtime=3600", "--refill_buffers", "--randrepeat=0",
            "--output-format=json", f"--output={self.output}"]
        if verify:
            arguments += ["--verify=crc32c", "--verify_backlog=512", "--verify_fatal=1", "--verify_state_save=0"]
        if rate:
            arguments.append(f"--rate_iops={rate}")
        before = self._stamp()
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=WORK)
        until("fio has written something", lambda: self._alive() and self._stamp() != before)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
                self.process.kill()
            self.process.wait()
        self.log.close()

    def _stamp(self):
        return os.stat(self.disk.path).st_mtime_ns

    def _alive(self):
        if self.process.poll() is not None:
            fail(f"fio ended by itself with status {self.process.returncode}: {self.told()}")
        return True

    def told(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()[-600:]

    def check_runs(self):
        self._alive()

    def goes_on(self):
        """Waits until it has written again."""
        before = self._stamp()
        until("fio goes on writing", lambda: self._alive() and self._stamp() != before)

    def pause(self):
        """Stops fio where it stands, and waits until all it had sent has arrived."""
        self._alive()
        self.process.send_signal(signal.SIGSTOP)
        last, quiet = self._stamp(), 0
        begin = time.monotonic()
        while quiet < REST_LOOKS:
            check(time.monotonic() - begin < CONDITION_LIMIT, "writes still arrive after fio was stopped")
            time.sleep(REST_INTERVAL)
            now = self._stamp()
            quiet = quiet + 1 if now == last else 0
            last = now
        command("qemu-io", "-f", "raw", "-c", "flush", self.disk.uri)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        self.goes_on()

    def end(self):
        """Ends it, checks that it saw no error, returns its job's figures."""
        self._alive()
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(LOAD_END_LIMIT)
        text = self.output.read_text()
        check("{" in text, f"fio printed no result: {text}{self.told()}")
        job = json.loads(text[text.index("{"):])["jobs"][0]
        check(status in (0, FIO_INTERRUPTED) and job["error"] == 0, f"fio: exit status {status}, error {job['error']}: {self.told()}")
        check(job["write"]["total_ios"] > 0, "fio wrote nothing")
        return job

    def perish(self):
        """Its end after the server died: its errors are to be expected, and a slow one may never notice."""
        self.process.kill()
        self.process.wait(LOAD_END_LIMIT)


def longest_latency(job):
    """Longest completion of a write or a read of verification, milliseconds."""
    return max(job[kind]["clat_ns"]["max"] for kind in ("write", "read")) / 1e6
