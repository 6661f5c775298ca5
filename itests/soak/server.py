# SPDX-License-Identifier: Apache-2.0
"""The distribution under test, with the faults' library beneath it."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

COMMAND_LIMIT = 150
START_LIMIT = 180
# How long the guardian process may take to tell how a killed JVM left the devices, seconds.
GUARDIAN_LIMIT = 10
STOP_LIMIT = 90


class Refused(Exception):
    """A command that ended with an error."""


class Server:
    def __init__(self, home, work, faultctl, library):
        self.home = pathlib.Path(home)
        self.work = pathlib.Path(work)
        self.faultctl = faultctl
        self.control = self.work / "faults.control"
        self.environment = {**os.environ, "BLKSNAP_FAULTS": str(self.control)}
        self.preload = {**self.environment, "LD_PRELOAD": str(library)}
        self.socket = self.home / "data/blksnap/nbd/blksnap.sock"
        self.faults("init")

    def faults(self, *words):
        return self._run(self.faultctl, *words)

    def _run(self, *arguments, limit=COMMAND_LIMIT, environment=None):
        try:
            done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                                  timeout=limit, env=environment or self.environment)
        except subprocess.TimeoutExpired as e:
            raise Refused(f"{' '.join(map(str, arguments))}: no answer within {limit} s") from e
        if done.returncode != 0:
            raise Refused(f"{' '.join(map(str, arguments))}: exit status {done.returncode}: {(done.stdout + done.stderr).strip()[-500:]}")
        return done.stdout

    def tool(self, *arguments):
        return self._run(*arguments)

    def run(self, *arguments):
        return self._run(self.home / "bin/blksnap", *arguments)

    def listing(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))

    def pid(self):
        for line in (self.home / "instances/instance.properties").read_text().splitlines():
            if line.startswith("item.0.pid"):
                return int(line.split("=")[1])
        raise Refused("no process id in instances/instance.properties")

    def start(self):
        begin = time.monotonic()
        self._run(self.home / "bin/blksnap", "start", environment=self.preload)
        self._run(self.home / "bin/blksnap", "wait-ready", START_LIMIT, limit=START_LIMIT + 10)
        if "libfaults.so" not in pathlib.Path(f"/proc/{self.pid()}/maps").read_text():
            raise Refused("the faults' library is not beneath the JVM")
        return time.monotonic() - begin

    def stop(self):
        self._run(self.home / "bin/blksnap", "stop", limit=STOP_LIMIT)

    def kill(self):
        victim = self.pid()
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        self.wait_dead(victim)
        # What is written from now on is a foreign change; before it is one of a client past the engine.
        end = time.monotonic() + GUARDIAN_LIMIT
        while time.monotonic() < end and not [p for p in (self.home / "data" / "blksnap").glob("facts-*") if p.suffix != ".new"]:
            time.sleep(0.02)

    def wait_dead(self, victim, limit=60):
        end = time.monotonic() + limit
        while self.alive(victim):
            if time.monotonic() > end:
                raise Refused(f"process {victim} has not ended within {limit} s")
            time.sleep(0.05)

    @staticmethod
    def alive(victim):
        try:
            return bool(pathlib.Path(f"/proc/{victim}/cmdline").read_bytes())
        except OSError:
            return False

    def jar(self, name):
        return next(iter((self.home / f"system/org/blksnap/blksnap-{name}").glob("*/*.jar")))

    def until(self, what, condition, limit=60):
        """Waits until a condition holds; a refused command counts as not yet."""
        end = time.monotonic() + limit
        last = None
        while True:
            try:
                found = condition()
                if found:
                    return found
            except Refused as e:
                last = e
            if time.monotonic() > end:
                raise Refused(f"not within {limit} s: {what}" + (f"; last: {last}" if last else ""))
            time.sleep(0.1)
