# SPDX-License-Identifier: Apache-2.0
"""Counts what was checked, keeps the last operations, and tells differences with the seed that replays them."""
import collections
import threading
import time

LAST_OPERATIONS = 25
# So many differences end the soak: what follows the first ones seldom teaches more.
MOST_DIFFERENCES = 20


class Journal:
    def __init__(self, seed):
        self.seed = seed
        self.begin = time.monotonic()
        self._lock = threading.Lock()
        # Guarded by _lock.
        self._passed = self._skipped = 0
        self._differences = []
        self._operations = collections.deque(maxlen=LAST_OPERATIONS)
        self._counts = collections.Counter()
        self._requests = 0
        self._longest = 0.0

    def say(self, *words):
        print(f"[{time.monotonic() - self.begin:6.1f} s]", *words, flush=True)

    def passed(self, count=1):
        with self._lock:
            self._passed += count

    def skipped(self, what):
        with self._lock:
            self._skipped += 1
            self._operations.append(f"{time.monotonic() - self.begin:.1f} s skipped: {what}")

    def operation(self, kind, text):
        with self._lock:
            self._counts[kind] += 1
            self._operations.append(f"{time.monotonic() - self.begin:.1f} s {kind} {text}")

    def remark(self, text):
        with self._lock:
            self._operations.append(f"{time.monotonic() - self.begin:.1f} s   {text}")

    def request(self, seconds):
        with self._lock:
            self._requests += 1
            self._longest = max(self._longest, seconds)

    def difference(self, text):
        with self._lock:
            first = not self._differences
            self._differences.append(text)
            operations = list(self._operations)
        self.say(f"DIFFERENCE (seed {self.seed}): {text}")
        for line in operations if first else operations[-12:]:
            print("    ", line, flush=True)

    def enough(self, planted):
        with self._lock:
            return len(self._differences) >= (1 if planted else MOST_DIFFERENCES)

    def minute(self):
        with self._lock:
            counts = ", ".join(f"{n} {kind}" for kind, n in sorted(self._counts.items()))
            text = f"{self._requests} live requests, longest {self._longest:.1f} s; {self._passed} checks, {len(self._differences)} differences; {counts}"
            self._longest = 0.0
        self.say(text)

    def end(self):
        if self._differences:
            self.say(f"seed {self.seed}; differences:")
            for text in self._differences:
                print("    ", text, flush=True)
        print(f"soak: {self._passed} passed, {len(self._differences)} failed, {self._skipped} skipped", flush=True)
        return not self._differences

    def end_planted(self):
        """Well where a planted change was noticed: by a map that misses it, or an image or a device that differs."""
        noticed = [text for text in self._differences if "misses" in text or "differ" in text]
        self.say(f"planted: {noticed[0] if noticed else 'not noticed'}")
        print(f"soak: {self._passed} passed, {0 if noticed else 1} failed, {self._skipped} skipped", flush=True)
        return bool(noticed)
