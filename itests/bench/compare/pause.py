# SPDX-License-Identifier: Apache-2.0
"""P5: how long a take holds writers, told by the gate itself and seen by the writers."""

import os
import subprocess
import time

import report

TERABYTE = 2**40
REGION = "64m"
# All writers together: enough that a take always meets writes, and a machine of two cores still has time left.
WRITES_A_SECOND = 4000
# More than any number of takes asked for needs; the writers are stopped when the takes are done.
WRITER_SECONDS = 3600
FIRST_WRITES_SECONDS = 2
STOP_SECONDS = 30


class Pauses:
    """The pauses of a number of takes, in nanoseconds."""

    def __init__(self, devices, closed, held, seen, command, quiet):
        self._devices = devices
        self._closed = closed
        self._held = held
        self._seen = seen
        self._command = command
        self._quiet = quiet

    def p99_millis(self):
        return report.percentile(self._closed, 99) / 1e6

    def what(self):
        devices = "one device" if self._devices == 1 else f"{self._devices} devices"
        return f"ms, p99 of {len(self._closed)} takes, {devices} of 1 TiB"

    def text(self):
        """Markdown: the gate's word, and the longest write of each take and of as long a time without one."""
        lines = [f"Takes under 4 KiB writes at depth 1, {self.what()}:", ""]
        lines += ["| seen as | p50 ms | p99 ms | longest ms |", "|---|---:|---:|---:|"]
        rows = (
            ("a device's gate closed, the longest of them", self._closed),
            ("first gate closed to last gate open", self._held),
            ("longest write around a take", self._seen),
            ("longest write around a command that takes nothing", self._command),
            ("longest write in as long a time without either", self._quiet),
        )
        for name, values in rows:
            if values:
                figures = [report.percentile(values, share) / 1e6 for share in (50, 99, 100)]
                lines.append(f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
        return "\n".join(lines)


class PauseBench:
    """Sparse devices, a writer on each, and takes one after another."""

    def __init__(self, side, load, scratch, takes):
        self._side = side
        self._load = load
        self._scratch = scratch
        self._takes = takes

    def run(self, count, say):
        """Takes a snapshot of that many devices again and again."""
        say(f"P5 with {count} device{'s' if count > 1 else ''}: {self._takes} takes")
        names = [f"pause{number}" for number in range(count)]
        paths = [os.path.join(self._scratch, name) for name in names]
        attached = []
        try:
            for name, path in zip(names, paths):
                with open(path, "wb") as file:
                    file.truncate(TERABYTE)
                self._side.attach(path, name)
                attached.append(name)
            return self._measure(names)
        finally:
            for name in attached:
                self._side.detach(name)
            for path in paths:
                if os.path.exists(path):
                    os.unlink(path)

    def _measure(self, names):
        prefix = os.path.join(self._scratch, f"pause-log-{len(names)}")
        uris = [self._side.uri(name) for name in names]
        rate = WRITES_A_SECOND // len(names)
        writers = self._load.background(uris, REGION, rate, WRITER_SECONDS, prefix)
        closed, held, with_take, with_command, without = [], [], [], [], []
        try:
            time.sleep(FIRST_WRITES_SECONDS)
            self._take(names)
            for _ in range(self._takes):
                if writers.poll() is not None:
                    raise RuntimeError(f"the writers ended with status {writers.returncode}: {writers.stderr.read()}")
                gate, all_gates, window = self._take(names)
                closed.append(gate)
                held.append(all_gates)
                with_take.append(window)
                length = window[1] - window[0]
                without.append(after(lambda length=length: time.sleep(length)))
                # The same programs and processes of the same shell: what of it is not the take's.
                with_command.append(after(self._side.take_nothing))
        finally:
            writers.terminate()
            try:
                writers.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                writers.kill()
                writers.communicate()
        writes = latencies(self._scratch, os.path.basename(prefix))
        return Pauses(len(names), closed, held, *(longest(writes, windows) for windows in (with_take, with_command, without)))

    def _take(self, names):
        begin = time.time()
        with self._side.snapshot(names) as snapshot:
            end = time.time()
            return self._side.last_closed_nanos(names), snapshot.held_nanos, (begin, end)


def after(work):
    """Does it, and says from when to when."""
    begin = time.time()
    work()
    return begin, time.time()


def latencies(folder, prefix):
    """Every logged write: when it ended, in seconds since the epoch, and how long it took, in nanoseconds."""
    writes = []
    for name in os.listdir(folder):
        if name.startswith(prefix) and name.endswith(".log"):
            path = os.path.join(folder, name)
            with open(path, encoding="ascii") as lines:
                for line in lines:
                    ended, nanos = line.split(",", 2)[:2]
                    writes.append((int(ended) / 1000, int(nanos)))
            os.unlink(path)
    return sorted(writes)


def longest(writes, windows):
    """The longest write that ended in each window; both in the order of time."""
    answer = []
    position = 0
    for begin, end in windows:
        while position < len(writes) and writes[position][0] < begin:
            position += 1
        most = 0
        while position < len(writes) and writes[position][0] <= end:
            most = max(most, writes[position][1])
            position += 1
        if most:
            answer.append(most)
    return answer
