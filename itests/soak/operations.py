# SPDX-License-Identifier: Apache-2.0
"""What users do: take, read, write and destroy snapshots, detach, resize, set parameters."""
import os

import snapshots
from devices import MIB
from server import Refused
from stamps import BLOCK, block

IMAGE_WRITER = 254
# Storage that a busy device overflows.
LITTLE = 4 * MIB
GROWTH = 8 * MIB
NOTICED_LIMIT = 15


def snapshot(soak):
    free = [d for d in soak.devices if not any(d in held.devices() for held in soak.held)]
    wanted = soak.chance.randint(1, len(soak.devices))
    kind = soak.chance.choice(("directory", "directory", "directory", "file", "memory", "little"))
    members = free[:wanted]
    if not members:
        return soak.journal.skipped("snapshot: every device is held")
    soak.count += 1
    directory = soak.server.work / "diff" / str(soak.count)
    directory.mkdir(parents=True)
    if kind == "directory":
        options = ("--directory", directory, "--limit", "2G")
    elif kind == "memory":
        options = ("--memory", "192M")
    else:
        storage = directory / "storage"
        with open(storage, "wb") as stream:
            stream.write(b"\0" * (LITTLE if kind == "little" else 192 * MIB))
        options = ("--storage", storage)
    soak.note("snapshot", f"{', '.join(d.name for d in members)} on {kind} storage")
    held = snapshots.take(soak, members, kind, options, directory)
    if held:
        soak.held.append(held)


def verify(soak):
    """A piece of each image, or all of it."""
    whole = soak.chance.random() < 0.4
    at = soak.chance.random()
    soak.note("verify", "all of each image" if whole else "a piece of each image")
    for held in list(soak.held):
        for image in held.images:
            length = image.size if whole else min(snapshots.PIECE, image.size)
            offset = 0 if whole else int(at * (image.size - length)) // BLOCK * BLOCK
            if length and not held.verify(image, offset, length):
                soak.give_up(held)
                break


def write_image(soak):
    at, length = soak.chance.random(), soak.chance.choice((1, 3, 16, 100))
    held = soak.one(soak.held)
    if not held or not held.images[0].size:
        return soak.journal.skipped("image write: no image")
    image = held.images[0]
    first = int(at * (image.size // BLOCK - length))
    soak.count += 1
    soak.note("write_image", f"{image.name} of {image.device.name}, {length} blocks at {first}")
    data = b"".join(block(image.device.number, IMAGE_WRITER, first + i, soak.count) for i in range(length))
    if not held.write(image, data, first * BLOCK) or not held.verify(image, first * BLOCK, len(data)):
        soak.give_up(held)


def destroy(soak):
    held = soak.one(soak.held)
    if not held:
        return soak.journal.skipped("destroy: no snapshot")
    soak.note("destroy", f"{held.id} on {held.kind} storage")
    soak.destroy(held)


def append(soak):
    held = soak.one(soak.held)
    if not held:
        return soak.journal.skipped("append: no snapshot")
    soak.count += 1
    storage = held.directory / f"more-{soak.count}"
    with open(storage, "wb") as stream:
        stream.write(b"\0" * (8 * MIB))
    soak.note("append", f"8 MiB to {held.id}")
    try:
        soak.server.run("snapshot-append-storage", held.id, storage)
    except Refused:
        # A snapshot whose storage ended with the process has no use for more.
        if not all([held.corrupted(image) for image in held.images]):
            raise
    soak.journal.passed()


def reattach(soak):
    device = soak.free_device()
    if not device:
        return soak.journal.skipped("detach: every device is held")
    soak.note("reattach", device.name)
    device.rest()
    device.detach()
    device.attach()
    device.resume()
    soak.wait_healthy(device)
    soak.journal.passed()


def resize(soak):
    device = soak.free_device()
    if not device:
        return soak.journal.skipped("resize: every device is held")
    size = device.original if device.size != device.original else device.original + GROWTH
    soak.note("resize", f"{device.name} to {size >> 20} MiB")
    device.resize(size)
    device.may_renew("RESIZE", "resized")
    device.may_renew("must", "resized")
    soak.server.until(f"{device.name} has {size} bytes", lambda: device.row()["device_capacity"] == size, NOTICED_LIMIT)
    soak.journal.passed()


def set_parameter(soak):
    name, value = soak.chance.choice((("chunk_maximum_in_queue", 4), ("chunk_maximum_in_queue", 16), ("chunk_maximum_in_queue", 64),
                                      ("chunk_minimum_shift", 18), ("chunk_minimum_shift", 20)))
    soak.note("parameter", f"{name} {value}")
    soak.server.run("parameter-set", name, value)
    soak.journal.passed()


def leftovers(directory):
    return [name for name in os.listdir(directory) if name.endswith(".diff")]


ALL = ((snapshot, 20), (verify, 20), (write_image, 8), (destroy, 10), (append, 3), (reattach, 3), (resize, 2), (set_parameter, 2))
