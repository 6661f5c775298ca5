# SPDX-License-Identifier: Apache-2.0
"""Writers over NBD, a thread and a connection each, every one in a region of its own."""
import contextlib
import random
import threading
import time

import nbd

from oracle import DISCARDED
from stamps import BLOCK, SECTOR

# Blocks of one change at most.
LONGEST = 64
# How long a client waits before it connects again, and how long it tries while the server is there, seconds.
RECONNECT_INTERVAL = 0.2
RECONNECT_LIMIT = 60
WORK = (("write", 60), ("read", 25), ("zero", 4), ("zero_no_hole", 2), ("discard", 4), ("flush", 3), ("fua", 4))


class Writer:
    def __init__(self, journal, weather, device, region, seed, pause):
        self.journal = journal
        self.weather = weather
        self.device = device
        self.region = region
        self.chance = random.Random(seed)
        self.pause_seconds = pause
        self.handle = None
        self._wanted = threading.Event()
        self._wanted.set()
        self._resting = threading.Event()
        self._end = threading.Event()
        self._healthy = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"writer-{device.name}-{region.writer}", daemon=True)
        self.thread.start()

    def rest(self, limit=90):
        """Comes to rest between two requests, connection closed; returns when it has."""
        self._wanted.clear()
        if not self._resting.wait(limit):
            self.journal.difference(f"{self.thread.name} does not come to rest within {limit} s")

    def resume(self):
        self._wanted.set()

    def end(self):
        self._end.set()
        self._wanted.set()

    def wait_healthy(self, limit=RECONNECT_LIMIT):
        return self._healthy.wait(limit)

    def _run(self):
        while not self._end.is_set():
            if not self._wanted.is_set():
                self._close()
                self._resting.set()
                self._wanted.wait()
                self._resting.clear()
                continue
            begin = time.monotonic()
            try:
                if self.handle is None:
                    self._connect()
                self._step()
            except nbd.Error as e:
                self._healthy.clear()
                self._close()
                # A kill may be noticed here before it is told there.
                time.sleep(RECONNECT_INTERVAL)
                if not self.weather.excuses_errors(begin, time.monotonic()):
                    self.journal.difference(f"{self.thread.name}: a live request failed: {e}")
            except Exception as e:
                self.journal.difference(f"{self.thread.name}: {type(e).__name__}: {e}")
                self._adopt()
        self._close()

    def _close(self):
        if self.handle is not None:
            with contextlib.suppress(nbd.Error):
                self.handle.shutdown()
            self.handle = None

    def _connect(self):
        """Connects, as long as the server is away; then mends what a lost connection left in doubt."""
        last = time.monotonic()
        while True:
            handle = nbd.NBD()
            try:
                handle.set_export_name(self.device.name)
                handle.connect_unix(str(self.device.socket))
                break
            except nbd.Error:
                now = time.monotonic()
                if self._end.is_set() or not self._wanted.is_set():
                    raise
                if self.weather.excuses_errors(now, now):
                    last = now
                if now - last > RECONNECT_LIMIT:
                    raise
                time.sleep(RECONNECT_INTERVAL)
        self.handle = handle
        if self.region.under_way() is not None:
            self._heal()
        self._healthy.set()

    def _heal(self):
        """Of the change under way when the server died, each sector is the old or the new one; then all becomes the new one."""
        _, at, length, value = self.region.under_way()
        found = bytes(self.handle.pread(length * BLOCK, self._offset(at)))
        for i in range(0, len(found), SECTOR):
            if not self.region.sector_fits(at + i // BLOCK, i % BLOCK, found[i:i + SECTOR]):
                self.journal.difference(f"{self.thread.name}: after a kill, sector at {self._offset(at) + i} is neither old nor new")
                break
        self.handle.pwrite(self.region.content(at, length, value), self._offset(at))
        self.region.acknowledge()
        self.journal.passed()

    def _adopt(self):
        try:
            data = self.handle.pread(self.region.count * BLOCK, self._offset(0))
            strange = self.region.adopt(bytes(data))
            for at in strange:
                self.region.send(at, 1, 0)
                self.handle.zero(BLOCK, self._offset(at))
                self.region.acknowledge()
        except nbd.Error:
            self._close()

    def _offset(self, at):
        return (self.region.first + at) * BLOCK

    def _step(self):
        kind = self.chance.choices([k for k, _ in WORK], [w for _, w in WORK])[0]
        length = min(self.chance.choice((1, 1, 2, 4, 16, LONGEST)), self.region.count)
        at = self.chance.randrange(self.region.count - length + 1)
        begin = time.monotonic()
        if kind == "read":
            found = self.handle.pread(length * BLOCK, self._offset(at))
            end = time.monotonic()
            wrong = self.region.wrong(at, bytes(found))
            if wrong:
                raise ValueError(f"live blocks {self.region.first + at}+{length} differ from what was written, first (block, expected, found) {wrong}")
        elif kind == "flush":
            self.handle.flush()
            end = time.monotonic()
        else:
            self._change(kind, at, length)
            end = time.monotonic()
            self.region.acknowledge()
        wrong = self.weather.judge(begin, end)
        if wrong:
            self.journal.difference(f"{self.thread.name}: {kind}: {wrong}")
        else:
            self.journal.passed()
        self.journal.request(end - begin)
        if self.pause_seconds:
            time.sleep(self.chance.uniform(0, 2 * self.pause_seconds))

    def _change(self, kind, at, length):
        sequence = self.region.send(at, length, {"zero": 0, "zero_no_hole": 0, "discard": DISCARDED}.get(kind))
        offset, size = self._offset(at), length * BLOCK
        if kind == "zero":
            self.handle.zero(size, offset)
        elif kind == "zero_no_hole":
            self.handle.zero(size, offset, nbd.CMD_FLAG_NO_HOLE)
        elif kind == "discard":
            self.handle.trim(size, offset)
        else:
            self.handle.pwrite(self.region.content(at, length, sequence), offset, nbd.CMD_FLAG_FUA if kind == "fua" else 0)
