# SPDX-License-Identifier: Apache-2.0
"""Our side: the distribution, started as anybody starts it and driven by bin/blksnap alone."""

import json
import os
import subprocess
from contextlib import contextmanager

from load import pinned
from peers import log

READY_SECONDS = 120
COMMAND_SECONDS = 90
STORAGE_LIMIT = "8G"


class Blksnap:
    """A running distribution."""

    name = "blksnap"

    def __init__(self, distribution, scratch, cpus):
        self._home = distribution
        self._scratch = scratch
        self._storage = os.path.join(scratch, "storage")
        os.makedirs(self._storage, mode=0o700, exist_ok=True)
        self._environment = dict(os.environ)
        if self._run("status").returncode != 3:
            raise RuntimeError(f"{distribution} runs already: stop it (bin/blksnap stop); it is started here, pinned")
        self._run("start", cpus=cpus)
        try:
            self._command("wait-ready", str(READY_SECONDS), seconds=READY_SECONDS + COMMAND_SECONDS)
        except RuntimeError:
            self.close()
            raise

    def attach(self, path, name):
        self._command("device-attach", "--once", "--name", name, path)

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
        taken = self._json("snapshot", "--directory", self._storage, "--limit", STORAGE_LIMIT, *devices)
        try:
            yield Held(self, taken, devices[0])
        finally:
            self._command("snapshot-destroy", taken["id"])

    def take_nothing(self):
        """A command that only answers."""
        self._command("version")

    def last_closed_nanos(self, devices):
        """How long the gates of these devices were closed last, the longest of them."""
        return max(entry["gate_last_ns"] for entry in self._json("device-list") if entry["name"] in devices)

    def saved_bytes(self, snapshot, device):
        """What was copied for one device since the take."""
        for entry in self._json("snapshot-info", snapshot)["images"]:
            if entry["device"] == device:
                return entry["saved_bytes"]
        raise RuntimeError(f"snapshot-info {snapshot} does not name {device}")

    def java_options(self):
        """What sizes and shapes the running machine, for the description."""
        with open(os.path.join(self._home, "instances", "instance.properties"), encoding="ascii") as lines:
            pids = [line.split("=")[1].strip() for line in lines if line.startswith("item.0.pid")]
        with open(f"/proc/{pids[0]}/cmdline", encoding="utf-8", errors="replace") as text:
            words = text.read().split("\0")
        return " ".join(word for word in words if word.startswith("-X"))

    def close(self):
        self._run("stop")

    def _run(self, *words, cpus="", seconds=COMMAND_SECONDS):
        command = pinned(cpus, [os.path.join(self._home, "bin", "blksnap"), *words])
        if words[0] == "start":
            with log(self._scratch, self.name) as output:
                return subprocess.run(
                    command,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    timeout=seconds,
                    check=True,
                )
        return subprocess.run(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=seconds,
            check=False,
        )

    def _command(self, *words, seconds=COMMAND_SECONDS):
        done = self._run(*words, seconds=seconds)
        if done.returncode != 0:
            raise RuntimeError(f"bin/blksnap {' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def _json(self, *words):
        return json.loads(self._command(*words, "--json"))


class Held:
    """A snapshot held by us."""

    def __init__(self, side, taken, device):
        self._side = side
        self._snapshot = taken["id"]
        self._device = device
        self._image = taken["images"][0]
        self.held_nanos = taken["held_ns"]

    @property
    def live(self):
        return self._side.uri(self._device)

    @property
    def image(self):
        return self._side.uri(self._image)

    def copied_bytes(self):
        """What was copied for this device since the take."""
        return self._side.saved_bytes(self._snapshot, self._device)
