# SPDX-License-Identifier: Apache-2.0
"""Content that tells who wrote it: every 32 bytes of a block name device, writer, block and sequence."""
import struct
import zlib

BLOCK = 4096
SECTOR = 512
ZERO = b"\0" * BLOCK
HEAD = struct.Struct("<4sHHQQ")
MAGIC = b"SOAK"
REPEATS = BLOCK // (HEAD.size + 8)


def block(device, writer, number, sequence):
    """Sequence 0 stands for zeroes."""
    if sequence == 0:
        return ZERO
    head = HEAD.pack(MAGIC, device, writer, number, sequence)
    return (head + struct.pack("<Q", zlib.crc32(head))) * REPEATS


def sequences(data, device, writer, first):
    """The sequence of each block of data, which begins at block `first`; a text where a block is none of this writer's."""
    found = []
    for at in range(0, len(data), BLOCK):
        piece = data[at:at + BLOCK]
        number = first + at // BLOCK
        if piece == ZERO:
            found.append(0)
            continue
        magic, of_device, of_writer, of_number, sequence = HEAD.unpack_from(piece)
        if piece == block(device, writer, number, sequence):
            found.append(sequence)
        elif magic != MAGIC:
            found.append(f"block {number}: no stamp: {piece[:16].hex()}…")
        else:
            found.append(f"block {number}: stamp of device {of_device}, writer {of_writer}, block {of_number}, sequence {sequence}, or mixed")
    return found
