# SPDX-License-Identifier: Apache-2.0
"""Held snapshots and what their images have to be; the chain of increments from image to image."""
import nbd

from devices import read_export, write_export
from server import Refused
from stamps import BLOCK

MIB = 1 << 20
PIECE = 4 * MIB
# Reasons for a new generation that need no disturbance: the change number's 255 values are used up.
ALWAYS = {"WRAP"}


class Image:
    def __init__(self, device, name, data):
        self.device = device
        self.name = name
        self.size = len(data)
        # What it has to hold now: the content at the take, and what was written to the image since.
        self.expected = bytearray(data)


class Held:
    """A taken snapshot. Excuses say which disturbances may have cost it its images."""

    def __init__(self, soak, identity, directory, kind):
        self.soak = soak
        self.id = identity
        self.directory = directory
        self.kind = kind
        self.images = []
        self.excuses = {"little storage"} if kind == "little" else set()

    def devices(self):
        return [image.device for image in self.images]

    def rows(self):
        return {row["image"]: row for row in self.soak.server.listing("snapshot-info", self.id)["images"]}

    def corrupted(self, image):
        """Whether the image says that it is corrupted; without an excuse or a reason that is a difference."""
        row = self.rows()[image.name]
        if row["error_code"] == 0:
            return False
        text = f"image {image.name} of {image.device.name} ({self.kind} storage) is corrupted: {row['error']}: {row['detail']}"
        if not self.excuses:
            self.soak.journal.difference(f"{text}; nothing explains that")
        elif not row["detail"]:
            self.soak.journal.difference(f"{text}: no reason is said")
        else:
            self.soak.journal.passed()
            self.soak.journal.remark(f"{text} (excused by {', '.join(sorted(self.excuses))})")
        return True

    def verify(self, image, offset, length):
        """True where the image holds what it has to; False where it is corrupted, or a difference was told."""
        if self.corrupted(image):
            return False
        journal = self.soak.journal
        try:
            data = read_export(self.soak.server.socket, image.name, length, offset)
        except nbd.Error as e:
            if not self.corrupted(image):
                journal.difference(f"image {image.name} of {image.device.name} says it is well, and cannot be read: {e}")
            return False
        expected = image.expected[offset:offset + length]
        if data != expected:
            wrong = [i for i in range(0, length, BLOCK) if data[i:i + BLOCK] != expected[i:i + BLOCK]]
            journal.difference(f"image {image.name} of {image.device.name} ({self.kind} storage) says it is well, and {len(wrong)} blocks differ, "
                               f"first at {offset + wrong[0]}: expected {expected[wrong[0]:wrong[0] + 24].hex()}, found {data[wrong[0]:wrong[0] + 24].hex()}")
            return False
        journal.passed(max(1, length // MIB))
        return True

    def overflown(self):
        return self.soak.server.listing("snapshot-info", self.id)["overflown"]

    def write(self, image, data, offset):
        try:
            write_export(self.soak.server.socket, image.name, data, offset)
        except nbd.Error as e:
            if e.errno == "ENOSPC" and self.overflown():
                # Storage that is full refuses writes to the image alone, and says so: snapshot-append-storage is the remedy.
                self.soak.journal.remark(f"image {image.name}: a write was refused, its storage is full")
                self.soak.journal.passed()
            elif not self.corrupted(image):
                self.soak.journal.difference(f"image {image.name} of {image.device.name} ({self.kind} storage) says it is well, and cannot be written: {e}")
            return False
        image.expected[offset:offset + len(data)] = data
        self.soak.journal.passed()
        return True


def take(soak, members, kind, options, directory):
    """Takes a snapshot, judges each image by the oracle and each change map by the copy before; None where it failed."""
    server, journal = soak.server, soak.journal
    windows = {device: [region.open_window() for region in device.regions] for device in members}
    try:
        with soak.weather.of("take"):
            result = server.listing("snapshot", *(d.name for d in members), *options)
    except Refused as e:
        journal.difference(f"a take was refused: {e}")
        return None
    finally:
        for window in sum(windows.values(), []):
            window.close()
    held = Held(soak, result["id"], directory, kind)
    rows = held.rows()
    for device in members:
        name = next(n for n, row in rows.items() if row["device"] == device.name)
        try:
            data = read_export(server.socket, name, device.size)
        except nbd.Error as e:
            image = Image(device, name, b"")
            held.images.append(image)
            if not held.corrupted(image):
                journal.difference(f"image {name} of {device.name} says it is well, and cannot be read after the take: {e}")
            continue
        held.images.append(Image(device, name, data))
        judge_image(journal, device, data, windows[device])
        judge_map(soak, device, data)
    return held


def judge_image(journal, device, data, windows):
    for window in windows:
        region = window.region
        wrong = window.judge(data[region.first * BLOCK:(region.first + region.count) * BLOCK])
        if wrong:
            journal.difference(f"the image of {device.name} is of no one moment: {wrong}")
        else:
            journal.passed()
    end = (device.regions[-1].first + device.regions[-1].count) * BLOCK
    if any(data[end:]):
        journal.difference(f"the image of {device.name} holds something behind {end}, where nobody writes")


def judge_map(soak, device, data):
    """What the map names, laid over the copy before, has to give the image."""
    journal = soak.journal
    info = soak.server.listing("cbt-info", device.name)
    base, device.base = device.base, (data, info["generation_id"], info["changes_number"])
    renewals, device.renewals = device.renewals, {}
    if base is None:
        return
    before, generation, number = base
    rows = soak.server.listing("cbt-map", device.name, "--since", number, "--generation", generation)
    if sum(row["length"] for row in rows) != len(data):
        journal.difference(f"the map of {device.name} covers {sum(row['length'] for row in rows)} of {len(data)} bytes")
    rebuilt = bytearray(before[:len(data)].ljust(len(data), b"\0"))
    named = 0
    for row in rows:
        if row["type"] & 1:
            rebuilt[row["offset"]:row["offset"] + row["length"]] = data[row["offset"]:row["offset"] + row["length"]]
            named += row["length"]
    what = f"since {number} of generation {generation[:8]}, now {info['changes_number']} of {info['generation_id'][:8]}, {info['reason']}"
    if rebuilt != data:
        missed = [i for i in range(0, len(data), BLOCK) if rebuilt[i:i + BLOCK] != data[i:i + BLOCK]]
        journal.difference(f"the map of {device.name} misses {len(missed)} changed blocks, first at {missed[0]}: {what}")
    else:
        journal.passed()
    if info["generation_id"] != generation:
        if named < len(data):
            journal.difference(f"the map of {device.name} of a new generation names {named} of {len(data)} bytes: {what}")
        if not ({info["reason"], "*"} & (renewals.keys() | ALWAYS)):
            journal.difference(f"a new generation of {device.name} that nothing explains: {what}: {info.get('reason_detail')}")
        else:
            journal.passed()
    elif "must" in renewals:
        journal.difference(f"the map of {device.name} goes on as if nothing had been: {renewals['must']}: {what}")
