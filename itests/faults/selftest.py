#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves each fault with a small Java program and with dd: selftest.py LIBRARY."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = pathlib.Path(sys.argv[1]).resolve()
JAVA_HOME = os.environ.get("JAVA_HOME")
JAVA = pathlib.Path(JAVA_HOME) / "bin" / "java" if JAVA_HOME else pathlib.Path(shutil.which("java"))
scratch = pathlib.Path(tempfile.mkdtemp(prefix="blksnap-faults.", dir=os.environ.get("TMPDIR", "/var/tmp")))
control = scratch / "control"
file = scratch / "a file"
environment = {**os.environ, "LD_PRELOAD": str(LIBRARY), "BLKSNAP_FAULTS": str(control), "BLKSNAP_FAULTS_PROGRAMS": "java,dd"}
# Longest answer of the program, and what counts as "at once", milliseconds.
ANSWER_LIMIT = 60
AT_ONCE = 400
passed = failed = 0


def ctl(*words):
    subprocess.run([HERE / "faultctl", "--control", control, *words], check=True)


def check(what, condition, seen=""):
    global passed, failed
    passed, failed = passed + bool(condition), failed + (not condition)
    if not condition:
        print(f"FAILED: {what}: {seen}", flush=True)


def fresh():
    file.write_bytes(b"\x11" * 131072)


def dd(*words):
    done = subprocess.run(["dd", *words], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


class Program:
    """The probe, asked a line at a time."""

    def __init__(self):
        self.process = subprocess.Popen([JAVA, "-XX:TieredStopAtLevel=1", HERE / "Probe.java", file], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        text = self.process.stdout.readline().strip()
        took, _, rest = text.partition(" ")
        return (int(took) if took else -1), rest

    def ask(self, line):
        self.send(line)
        return self.answer()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(ANSWER_LIMIT)


def clocks(program):
    _, text = program.ask("clock")
    return [int(word) for word in text.split()]


def clock_steps_are_seen_by_the_wall_clock_alone(program):
    for shift, millis in (("+3h", 3 * 3600_000), ("-5h", -5 * 3600_000), ("+250ms", 250)):
        wall, uptime = clocks(program)
        ctl("clock", shift)
        later, uptime_later = clocks(program)
        passed_meanwhile = uptime_later - uptime
        check(f"currentTimeMillis after {shift}", abs(later - wall - millis - passed_meanwhile) < 50, later - wall)
        check(f"nanoTime after {shift}", 0 <= passed_meanwhile < 30_000, passed_meanwhile)
    took, _ = program.ask("sleep")
    check("a sleep is as long as ever", 190 <= took < 2000, took)
    ctl("clock", "0", "drift", "500000")
    wall, uptime = clocks(program)
    time.sleep(1)
    later, uptime_later = clocks(program)
    ratio = (later - wall) / (uptime_later - uptime)
    check("a clock half as fast again", 1.45 < ratio < 1.55, ratio)
    ctl("clock", "true")
    check("the true clock", abs(clocks(program)[0] - time.time() * 1000) < 1000)
    _, uptime = clocks(program)
    ctl("clock", "monotonic", "+1h")
    _, later = clocks(program)
    check("nanoTime only where told", 3600_000 <= later - uptime < 3630_000, later - uptime)
    ctl("clock", "true")


WAYS = {
    "write": ("pwrite", "write", "writev"), "read": ("pread", "read"), "sync": ("force", "forcedata"),
    "truncate": ("truncate",), "map": ("map",), "open": ("open",),
}


def every_kind_is_delayed_and_fails(program):
    for kind, ways in WAYS.items():
        for way in ways:
            ctl("rule", "r", "delay:700", f"on={kind}", f"path={scratch}/a*")
            took, text = program.ask(way)
            check(f"{way} is late", took >= 700 and "failed" not in text, (took, text))
            fresh()
            ctl("rule", "r", "fail:EDQUOT", f"on={kind}", f"path={scratch}/a*")
            took, text = program.ask(way)
            check(f"{way} fails", "quota" in text.lower(), (took, text))
            ctl("rule", "r", "fail:EDQUOT", f"on={kind}", f"path={scratch}/b*")
            took, text = program.ask(way)
            check(f"{way} of another name goes well", took < AT_ONCE and "failed" not in text, (took, text))
            ctl("clear")
            fresh()


def writes_are_torn(program):
    file.write_bytes(b"\x11" * 131072)
    ctl("rule", "r", "torn:512:ok", "on=write", "path=*/a file")
    _, text = program.ask("pwrite")
    check("a torn write that tells a lie", text == "wrote 4096" and file.read_bytes()[:513] == b"\0" * 512 + b"\x11", text)
    ctl("rule", "r", "torn:1024", "on=write", "path=*/a file")
    for way in ("pwrite", "write", "writev"):
        check(f"a short {way}", program.ask(way)[1] == "wrote 1024")
    fresh()
    ctl("rule", "r", "torn:512:EIO", "on=write", "path=*/a file")
    _, text = program.ask("pwrite")
    check("a torn write that fails", "Input/output error" in text and file.read_bytes()[:513] == b"\0" * 512 + b"\x11", text)


def stuck_until_released(program):
    ctl("rule", "s", "stuck", "on=sync", "path=*/a file")
    program.send("force")
    ctl("wait", "s", "waiting", "1")
    time.sleep(0.5)
    ctl("clear")
    took, text = program.answer()
    check("stuck until released", took >= 500 and text == "forced", (took, text))


def counts_and_places(program):
    ctl("rule", "r", "fail:EIO", "on=write", "path=*/a file", "skip=1", "count=2")
    check("skip and count", ["failed" in program.ask("pwrite")[1] for _ in range(4)] == [False, True, True, False])
    ctl("rule", "r", "fail:EIO", "on=write", "path=*/a file", "range=8192-12288")
    check("a range", ["failed" in program.ask("pwrite")[1]] == [False])
    ctl("rule", "r", "fail:EIO", "on=write", "path=*/a file", "permille=500")
    fates = ["failed" in program.ask("pwrite")[1] for _ in range(60)]
    check("by chance", 10 < sum(fates) < 50, sum(fates))
    ctl("rule", "r", "full:6000", "on=write", "path=*/a file")
    told = [program.ask("pwrite")[1] for _ in range(3)]
    check("full", told[:2] == ["wrote 4096", "wrote 1904"] and "No space left" in told[2], told)


def read_only_and_gone(program):
    ctl("rule", "r", "readonly", "on=all", "path=*/a file")
    told = [program.ask(way)[1] for way in ("pwrite", "openwrite", "pread", "open")]
    check("read-only", "Read-only" in told[0] and "Read-only" in told[1] and told[2:] == ["read 4096", "opened"], told)
    ctl("rule", "r", "gone", "on=all", "path=*/a file")
    told = [program.ask(way)[1] for way in ("pread", "open")]
    check("gone", "Input/output error" in told[0] and "No such device or address" in told[1], told)
    ctl("clear")
    check("back", program.ask("pread")[1] == "read 4096")


def kills(program):
    fresh()
    ctl("rule", "r", "torn:512:kill", "on=write", "path=*/a file")
    program.ask("pwrite")
    check("killed in the middle of a write", program.process.wait(ANSWER_LIMIT) == -signal.SIGKILL and file.read_bytes()[:513] == b"\0" * 512 + b"\x11")
    ctl("clear")


def of_dd():
    fresh()
    source = f"of={file}"
    ctl("rule", "r", "fail:EIO", "on=write", "path=*/a file", "skip=2")
    status, text = dd("if=/dev/zero", source, "bs=4k", "count=4", "conv=notrunc")
    check("dd's third write fails", status == 1 and "Input/output error" in text and "2+0 records out" in text, text)
    ctl("rule", "r", "fail:ENOSPC", "on=sync", "path=*/a file")
    status, text = dd("if=/dev/zero", source, "bs=4k", "count=4", "conv=notrunc,fdatasync")
    check("dd's fdatasync fails", status == 1 and "No space left" in text, text)
    ctl("rule", "r", "fail:ENOSPC", "on=truncate", "path=*/a file")
    status, text = dd("if=/dev/zero", source, "bs=4k", "count=0", "seek=1")
    check("dd's ftruncate fails", "failed to truncate" in text and "No space left" in text, text)
    ctl("rule", "r", "gone", "on=open", "path=*/a file")
    status, text = dd(f"if={file}", "of=/dev/null")
    check("dd's open fails", status == 1 and "No such device" in text, text)
    ctl("clear")
    status, text = dd(f"if={file}", "of=/dev/null")
    check("dd goes well again", status == 0, text)


status = 1
program = None
try:
    fresh()
    ctl("init")
    program = Program()
    for proof in (clock_steps_are_seen_by_the_wall_clock_alone, every_kind_is_delayed_and_fails, writes_are_torn, stuck_until_released, counts_and_places, read_only_and_gone, kills):
        proof(program)
    of_dd()
    print(f"faults: {passed} passed, {failed} failed, 0 skipped")
    status = 0 if failed == 0 else 1
finally:
    if program and program.process.poll() is None:
        program.process.kill()
        program.process.wait()
    shutil.rmtree(scratch)
sys.exit(status)
