# SPDX-License-Identifier: Apache-2.0
"""What a writer's region has to hold, now and at each moment since a window was opened.

A writer has one change under way at most. So its region is, at any moment, what its first p changes
have made of it, for one p; and a take lies at a p between those acknowledged before it began and
those sent before it ended.

What a block holds is told by the sequence of the change that last wrote it, 0 for zeroes. A discarded
block may read as zeroes or as before: then it is a set of such sequences.
"""
import threading

import stamps


DISCARDED = -1


def alternatives(value):
    return value if isinstance(value, frozenset) else frozenset((value,))


def fits(value, found):
    return value == found or (isinstance(value, frozenset) and found in value)


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

    def send(self, at, length, value=None):
        """A change of blocks [at, at + length) of the region is about to be sent; returns its sequence. Value: 0 or DISCARDED."""
        with self._lock:
            assert self._under_way is None
            sequence = self._acknowledged + 1
            self._under_way = (sequence, at, length, sequence if value is None else value)
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
        if value == DISCARDED:
            state[at:at + length] = [alternatives(v) | {0} for v in state[at:at + length]]
        else:
            state[at:at + length] = [value] * length

    def under_way(self):
        with self._lock:
            return self._under_way

    def content(self, at, length, value):
        """What blocks [at, at + length) hold once they are written by this sequence; zeroes for 0 and DISCARDED."""
        return b"".join(stamps.block(self.device, self.writer, self.first + at + i, max(value, 0)) for i in range(length))

    def wrong(self, at, data):
        """The first block of the data, read from block `at` on, that does not hold what it has to: (block, expected, found), else None."""
        found = stamps.sequences(data, self.device, self.writer, self.first + at)
        with self._lock:
            return next(((self.first + at + i, self._state[at + i], f) for i, f in enumerate(found) if not fits(self._state[at + i], f)), None)

    def sector_fits(self, at, within, sector):
        """Whether a sector at this offset of block `at` is what some allowed content has there, now or after the change under way."""
        with self._lock:
            _, _, _, value = self._under_way
            allowed = alternatives(self._state[at]) | {max(value, 0)}
        return any(stamps.block(self.device, self.writer, self.first + at, v)[within:within + len(sector)] == sector for v in allowed)

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
        state = list(self.state)
        wrong = {i for i in range(region.count) if not fits(state[i], found[i])}
        nearest = (len(wrong), 0, sorted(wrong)[:4], [state[i] for i in sorted(wrong)[:4]])
        for step, change in enumerate([None, *self.changes]):
            if change:
                Region._apply(state, change)
                for i in range(change[1], change[1] + change[2]):
                    (wrong.discard if fits(state[i], found[i]) else wrong.add)(i)
            if not wrong:
                return None
            if len(wrong) < nearest[0]:
                first = sorted(wrong)[:4]
                nearest = (len(wrong), step, first, [state[i] for i in first])
        count, step, first, expected = nearest
        shown = [(region.first + i, value, found[i]) for i, value in zip(first, expected)]
        return (f"writer {region.writer}: no moment between sequence {self.acknowledged} and {self.acknowledged + len(self.changes)} fits; nearest is "
                f"{self.acknowledged + step} with {count} wrong blocks (block, expected, found): {shown}")
