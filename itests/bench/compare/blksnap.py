# SPDX-License-Identifier: Apache-2.0
"""Our side: the distribution, started as anybody starts it and driven by bin/blksnap alone."""

import json
import os
import subprocess
import time
from contextlib import contextmanager

from load import pinned
from peers import log

START_SECONDS = 120
STOP_SECONDS = 60
COMMAND_SECONDS = 60
STORAGE_LIMIT = "8G"


class Blksnap:
    """A running distribution."""

    name = "blksnap"

    def __init__(self, distribution, scratch, cpus):
        self._home = distribution
        self._storage = os.path.join(scratch, "storage")
        os.makedirs(self._storage, exist_ok=True)
        if self._quietly("version").returncode == 0:
            raise RuntimeError(f"{distribution} is running already; stop it with bin/stop, it is started here pinned")
        with log(scratch, self.name) as words:
            subprocess.run(
                pinned(cpus, [os.path.join(distribution, "bin", "start")]),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                timeout=START_SECONDS,
                check=True,
            )
        end = time.monotonic() + START_SECONDS
        while self._quietly("version").returncode != 0:
            if time.monotonic() > end:
                self.close()
                raise RuntimeError(f"no answer from bin/blksnap version after {START_SECONDS} s")
            time.sleep(0.2)

    def attach(self, path, name):
        self._command("device-attach", "--name", name, path)

    def detach(self, name):
        self._command("device-detach", name)

    def uri(self, export):
        """Where an export is served."""
        for entry in self._json("export-list"):
            if entry["name"] == export:
                return entry["uri"]
        raise RuntimeError(f"export-list does not name {export}")

    @contextmanager
    def live(self, device="disk"):
        """The address of the live device, no snapshot held."""
        yield self.uri(device)

    @contextmanager
    def snapshot(self, devices=("disk",)):
        """A fresh snapshot of the devices, its storage a directory that grows by itself."""
        taken = self._json(
            "snapshot", "--storage-directory", self._storage, "--limit", STORAGE_LIMIT, *devices
        )
        try:
            yield Held(self, taken["id"], devices[0])
        finally:
            self._command("snapshot-destroy", taken["id"])

    def last_closed_nanos(self, devices):
        """How long the gates of these devices were closed last, the longest of them."""
        gates = {entry["name"]: entry["gate"] for entry in self._json("device-list")}
        return max(gates[device]["last_nanos"] for device in devices)

    def image_info(self, snapshot, device):
        """What snapshot-info says about one device."""
        for entry in self._json("snapshot-info", snapshot)["devices"]:
            if entry["device"] == device:
                return entry
        raise RuntimeError(f"snapshot-info {snapshot} does not name {device}")

    def java_options(self):
        """The command line's options of the running machine, for the description."""
        pid_file = os.path.join(self._home, "karaf.pid")
        if not os.path.exists(pid_file):
            return ""
        with open(pid_file, encoding="ascii") as text:
            pid = text.read().strip()
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as text:
            words = text.read().split("\0")
        return " ".join(word for word in words if word.startswith("-X"))

    def close(self):
        subprocess.run(
            [os.path.join(self._home, "bin", "stop")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=STOP_SECONDS,
            check=False,
        )

    def _quietly(self, *words):
        return subprocess.run(
            [os.path.join(self._home, "bin", "blksnap"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def _command(self, *words):
        done = self._quietly(*words)
        if done.returncode != 0:
            raise RuntimeError(f"bin/blksnap {' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def _json(self, *words):
        return json.loads(self._command(*words, "--json"))


class Held:
    """A snapshot held by us."""

    def __init__(self, side, snapshot, device):
        self._side = side
        self._snapshot = snapshot
        self._device = device
        self.live = side.uri(device)
        self.image = side.uri(side.image_info(snapshot, device)["image"])

    def copied_bytes(self):
        """What was copied for this device since the take."""
        return self._side.image_info(self._snapshot, self._device)["saved_bytes"]
