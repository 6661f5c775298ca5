# SPDX-License-Identifier: Apache-2.0
"""The peers: QEMU's storage daemon, driven through its monitor, and nbdkit with the file plugin."""

import json
import os
import socket
import subprocess
import time
from contextlib import contextmanager

from load import pinned

START_SECONDS = 15
STOP_SECONDS = 15


def unix_uri(name, path):
    return f"nbd+unix:///{name}?socket={path}"


def wait_for_socket(path, process):
    """Until somebody listens there, or the process has ended."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode} before it listened on {path}")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                return
        time.sleep(0.02)
    stop(process)
    raise RuntimeError(f"nobody listens on {path} after {START_SECONDS} s")


def log(scratch, name):
    """Where a server's own words go."""
    return open(os.path.join(scratch, f"{name}.log"), "ab")


def stop(process):
    """Asks the process to end, and ends it where it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Nbdkit:
    """nbdkit file: a plain file server, the faster peer where there is no snapshot."""

    name = "nbdkit"

    def __init__(self, scratch, disk, cpus):
        self._socket = os.path.join(scratch, "nbdkit.sock")
        with log(scratch, self.name) as words:
            self._process = subprocess.Popen(
                pinned(cpus, ["nbdkit", "-f", "-U", self._socket, "file", disk]),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
            )
        wait_for_socket(self._socket, self._process)

    @contextmanager
    def live(self):
        """The address of the live device, no snapshot held."""
        yield unix_uri("", self._socket)

    def close(self):
        stop(self._process)


class Monitor:
    """A QMP connection."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(path)
        self._stream = self._socket.makefile("rw", encoding="utf-8")
        self._stream.readline()
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        self._stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._stream.flush()
        while True:
            answer = json.loads(self._stream.readline())
            if "error" in answer:
                raise RuntimeError(f"{command} {arguments}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def close(self):
        self._stream.close()
        self._socket.close()


class Qsd:
    """qemu-storage-daemon; its snapshot is copy-before-write with snapshot-access over a raw sparse file."""

    name = "qsd"

    def __init__(self, scratch, disk, cpus):
        self._scratch = scratch
        self._disk = disk
        self._socket = os.path.join(scratch, "qsd.sock")
        self._count = 0
        monitor = os.path.join(scratch, "qmp.sock")
        command = ["qemu-storage-daemon"]
        command += ["--blockdev", f"driver=file,node-name=file0,filename={disk},cache.direct=off,discard=unmap"]
        command += ["--blockdev", "driver=raw,node-name=disk0,file=file0,discard=unmap"]
        command += ["--nbd-server", f"addr.type=unix,addr.path={self._socket}"]
        command += ["--chardev", f"socket,id=qmp,path={monitor},server=on,wait=off"]
        command += ["--monitor", "chardev=qmp"]
        with log(scratch, self.name) as words:
            self._process = subprocess.Popen(
                pinned(cpus, command), stdin=subprocess.DEVNULL, stdout=words, stderr=words
            )
        wait_for_socket(self._socket, self._process)
        self._qmp = Monitor(monitor)

    @contextmanager
    def live(self):
        """The address of the live device, no snapshot held."""
        self._export("live", "disk0", True)
        try:
            yield unix_uri("live", self._socket)
        finally:
            self._unexport("live")

    @contextmanager
    def snapshot(self):
        """A fresh snapshot: addresses of the live device and of the image."""
        self._count += 1
        target = os.path.join(self._scratch, f"qsd-target-{self._count}")
        with open(target, "wb") as file:
            file.truncate(os.path.getsize(self._disk))
        self._qmp.call(
            "blockdev-add",
            **{"driver": "raw", "node-name": "target", "file": {"driver": "file", "filename": target}},
        )
        self._qmp.call(
            "blockdev-add",
            **{"driver": "copy-before-write", "node-name": "cbw", "file": "disk0", "target": "target"},
        )
        self._qmp.call("blockdev-add", **{"driver": "snapshot-access", "node-name": "image", "file": "cbw"})
        self._export("live", "cbw", True)
        self._export("image", "image", False)
        try:
            yield QsdSnapshot(unix_uri("live", self._socket), unix_uri("image", self._socket), target)
        finally:
            self._unexport("image")
            self._unexport("live")
            for node in ("image", "cbw", "target"):
                self._qmp.call("blockdev-del", **{"node-name": node})
            os.unlink(target)

    def close(self):
        self._qmp.close()
        stop(self._process)

    def _export(self, name, node, writable):
        self._qmp.call(
            "block-export-add",
            **{"type": "nbd", "id": name, "node-name": node, "name": name, "writable": writable},
        )

    def _unexport(self, name):
        self._qmp.call("block-export-del", id=name, mode="hard")
        end = time.monotonic() + STOP_SECONDS
        while any(export["id"] == name for export in self._qmp.call("query-block-exports")):
            if time.monotonic() > end:
                raise RuntimeError(f"qemu-storage-daemon still serves {name} after {STOP_SECONDS} s")
            time.sleep(0.01)


class QsdSnapshot:
    """A snapshot held by qemu-storage-daemon."""

    def __init__(self, live, image, target):
        self.live = live
        self.image = image
        self._target = target

    def copied_bytes(self):
        """What lies in the target: every cluster copied is allocated there."""
        return os.stat(self._target).st_blocks * 512
