# SPDX-License-Identifier: Apache-2.0
"""A device under test: its regions and writers, and the chain of copies that its change maps lead along."""
import contextlib
import os

import nbd

from oracle import Region
from stamps import BLOCK
from writers import Writer

MIB = 1 << 20
WRITERS = 3
# Of the region that is changed behind the server's back; it has no writer.
FOREIGN = 255
FOREIGN_BLOCKS = 64


class Device:
    """The first blocks are the foreign region; then each writer's. A part that was grown is nobody's, and zero."""

    def __init__(self, server, name, number, size, block):
        self.server = server
        self.name = name
        self.number = number
        self.size = size
        self.block = block
        self.socket = server.socket
        self.file = server.work / f"{name}.img"
        with open(self.file, "wb") as stream:
            stream.truncate(size)
        self.path = server.tool("losetup", "--show", "-f", self.file).strip() if block else self.file
        self.foreign = Region(number, FOREIGN, 0, FOREIGN_BLOCKS)
        share = (size // BLOCK - FOREIGN_BLOCKS) // WRITERS
        self.regions = [self.foreign] + [Region(number, w, FOREIGN_BLOCKS + w * share, share) for w in range(WRITERS)]
        self.original = size
        self.writers = []
        # The last image whose content is known: its copy, generation, number; and why a generation may be new.
        self.base = None
        self.renewals = {}
        self.attach()

    def attach(self):
        self.server.run("device-attach", self.path, "--name", self.name)

    def detach(self):
        self.server.run("device-detach", self.name)

    def begin(self, journal, weather, chance):
        for region in self.regions[1:]:
            self.writers.append(Writer(journal, weather, self, region, chance.randrange(1 << 30), 0.004))

    def rest(self):
        for writer in self.writers:
            writer._wanted.clear()
        for writer in self.writers:
            writer.rest()

    def resume(self):
        for writer in self.writers:
            writer.resume()

    def may_renew(self, reason, why):
        self.renewals[reason] = why

    def change_behind_its_back(self, chance):
        """A write past the server, which is not there."""
        length = chance.choice((1, 4, 16))
        at = chance.randrange(FOREIGN_BLOCKS - length)
        sequence = self.foreign.send(at, length)
        with open(self.path, "r+b") as stream:
            stream.seek(at * BLOCK)
            stream.write(self.foreign.content(at, length, sequence))
            stream.flush()
            os.fsync(stream.fileno())
        self.foreign.acknowledge()

    def resize(self, size):
        os.truncate(self.file, size)
        if self.block:
            self.server.tool("losetup", "-c", self.path)
        self.size = size

    def row(self):
        return next((r for r in self.server.listing("device-list") if r["name"] == self.name), None)

    def remove(self):
        if self.block:
            self.server.tool("losetup", "-d", self.path)


@contextlib.contextmanager
def connected(socket, name):
    """A connection of its own, closed in the protocol's own way."""
    handle = nbd.NBD()
    handle.set_export_name(name)
    handle.connect_unix(str(socket))
    yield handle
    handle.shutdown()


def read_export(socket, name, size, offset=0):
    """Bytes of an export, read over NBD; nbd.Error where it answers with one."""
    with connected(socket, name) as handle:
        return b"".join(bytes(handle.pread(min(4 * MIB, size - at), offset + at)) for at in range(0, size, 4 * MIB))


def write_export(socket, name, data, offset):
    with connected(socket, name) as handle:
        handle.pwrite(data, offset)
        handle.flush()
