# SPDX-License-Identifier: Apache-2.0
"""What is going on beneath the writers, and how long an I/O may take under it."""
import contextlib
import threading
import time

# Longest live request, seconds, in each weather. The machine may be busy with other things.
LIVE_BOUND_SECONDS = {"calm": 5, "slow storage": 5, "failing storage": 10, "swap": 30, "stuck storage": 25, "take": 10}
# In these the server is away: requests fail, and clients come back.
AWAY = {"kill", "restart"}


class Weather:
    def __init__(self):
        self._lock = threading.Lock()
        # Guarded by _lock: [kind, begin, end or None].
        self._periods = []

    @contextlib.contextmanager
    def of(self, kind):
        period = [kind, time.monotonic(), None]
        with self._lock:
            self._periods.append(period)
        try:
            yield
        finally:
            with self._lock:
                period[2] = time.monotonic()
                self._periods = self._periods[-200:]

    def _kinds(self, begin, end):
        with self._lock:
            return {kind for kind, since, until in self._periods if since <= end and (until is None or until >= begin)}

    def judge(self, begin, end):
        """None, or what is wrong with a request of that duration."""
        kinds = self._kinds(begin, end)
        if kinds & AWAY:
            return None
        bound = max(LIVE_BOUND_SECONDS[kind] for kind in kinds | {"calm"})
        return None if end - begin <= bound else f"a live request took {end - begin:.1f} s, more than {bound} s, in {sorted(kinds) or 'calm'} weather"

    def excuses_errors(self, begin, end):
        return bool(self._kinds(begin, end) & AWAY)
