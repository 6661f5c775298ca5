# SPDX-License-Identifier: Apache-2.0
"""What a writer's region has to hold, now and at each moment since a window was opened.

A writer has one change under way at most. So its region is, at any moment, what its first p changes
have made of it, for one p; and a take lies at a p between those acknowledged before it began and
those sent before it ended.
"""
import threading

import stamps


class Region:
    """Blocks [first, first + count) of a device, changed by one writer alone."""

    def __init__(self, device, writer, first, count):
        self.device = device
        self.writer = writer
        self.first = first
        self.count = count
        self._lock = threading.Lock()
        # Guarded by _lock: the sequence that last wrote each block, 0 for zeroes; the change under way; later ones of the windows.
        self._state = [0] * count
        self._acknowledged = 0
        self._under_way = None
        self._log = []
        self._windows = 0

    def send(self, at, length, zeroes):
        """A change of blocks [at, at + length) of the region is about to be sent; returns its sequence."""
        with self._lock:
            assert self._under_way is None
            sequence = self._acknowledged + 1
            self._under_way = (sequence, at, length, 0 if zeroes else sequence)
            if self._windows:
                self._log.append(self._under_way)
            return sequence

    def acknowledge(self):
        with self._lock:
            self._apply(self._state, self._under_way)
            self._acknowledged = self._under_way[0]
            self._under_way = None

    @staticmethod
    def _apply(state, change):
        _, at, length, value = change
        state[at:at + length] = [value] * length

    def under_way(self):
        with self._lock:
            return self._under_way

    def content(self, at, length, value=None):
        """What blocks [at, at + length) hold; where a value is given, what they would hold of that sequence."""
        with self._lock:
            values = self._state[at:at + length] if value is None else [value] * length
        return b"".join(stamps.block(self.device, self.writer, self.first + at + i, v) for i, v in enumerate(values))

    def adopt(self, data):
        """After a difference was told: what is there is taken as right."""
        found = stamps.sequences(data, self.device, self.writer, self.first)
        with self._lock:
            self._under_way = None
            self._state = [v if isinstance(v, int) else 0 for v in found]
            self._acknowledged = max([self._acknowledged, *self._state])
        return [i for i, v in enumerate(found) if not isinstance(v, int)]

    def open_window(self):
        with self._lock:
            if self._windows == 0:
                self._log = [] if self._under_way is None else [self._under_way]
            self._windows += 1
            return Window(self, list(self._state), self._acknowledged)

    def close_window(self):
        """Changes sent while the window was open, in their order."""
        with self._lock:
            self._windows -= 1
            return list(self._log)


class Window:
    """The moments in which a take may lie."""

    def __init__(self, region, state, acknowledged):
        self.region = region
        self.state = state
        self.acknowledged = acknowledged
        self.changes = None

    def close(self):
        self.changes = self.region.close_window()

    def judge(self, data):
        """None where the data is the region as of one moment in the window; else what is wrong."""
        region = self.region
        found = stamps.sequences(data, region.device, region.writer, region.first)
        for value in found:
            if not isinstance(value, int):
                return value
        state, best = list(self.state), None
        for step in range(len(self.changes) + 1):
            if step:
                Region._apply(state, self.changes[step - 1])
            if state == found:
                return None
            wrong = [i for i in range(region.count) if state[i] != found[i]]
            if best is None or len(wrong) < len(best[1]):
                best = (step, wrong, [(region.first + i, state[i], found[i]) for i in wrong[:4]])
        last = self.acknowledged + len(self.changes)
        return (f"writer {region.writer}: no moment between sequence {self.acknowledged} and {last} fits; nearest is "
                f"{self.acknowledged + best[0]} with {len(best[1])} wrong blocks (block, expected, found): {best[2]}")
