#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What only extended headers have: 64-bit lengths, payloads of other commands than WRITE."""
import struct

from kit import *
from wire import *

ALLOCATION = "base:allocation"
BITMAP = "qemu:dirty-bitmap:blksnap"


def extended(*contexts):
    return client(EXPORT, EXTENDED, *contexts)


def test_offsets_of_replies_are_those_of_the_requests():
    # The strict client compares them in each reply; here they are unlike each other.
    with extended() as it:
        cookies = [it.submit(READ, 4096 * n + n, 300000) for n in range(20)]
        for cookie in cookies:
            check(it.wait(cookie).error == OK, "READ")


def test_lengths_beyond_32_bits_are_ranges_outside():
    with extended(ALLOCATION) as it:
        for length in (1 << 32, (1 << 32) + 512, 1 << 63, 2**64 - 1):
            for kind, error in ((READ, EINVAL), (TRIM, EINVAL), (CACHE, EINVAL), (WRITE_ZEROES, ENOSPC), (BLOCK_STATUS, EINVAL)):
                check(it.call(kind, 0, length).error == error, f"{kind} of {length}")
        it.read(0, 512)


def test_a_write_without_the_payload_flag_is_still_one_message():
    with extended() as it:
        reply = it.call(WRITE, 0, 512, 0, bytes(512))
        check(reply.error in (OK, EINVAL), f"error {reply.error}")
        check(len(it.read(0, 512)) == 512, "the next request")


def test_payloads_nobody_wants_are_swallowed_and_refused():
    with extended(ALLOCATION) as it:
        for kind in (READ, FLUSH, TRIM, CACHE, WRITE_ZEROES, 8, 99):
            for size in (1, 4096, 2 * MIB):
                check(it.call(kind, 0, size, PAYLOAD_LEN, bytes(size)).error == EINVAL, f"{kind} with {size}")
        it.read(0, 512)


def test_status_payload_picks_contexts():
    with extended(ALLOCATION, BITMAP) as it:
        for only in ((ALLOCATION,), (BITMAP,), (BITMAP, ALLOCATION)):
            found = it.block_status(0, it.size, only=only)
            check(set(found) == set(only), f"asked for {only}, told of {set(found)}")
        whole = it.block_status(0, it.size)
        check(it.block_status(0, it.size, only=(BITMAP,))[BITMAP] == whole[BITMAP], "the same either way")
        one = it.block_status(0, it.size, REQ_ONE, only=(BITMAP,))[BITMAP]
        check(len(one) == 1, "REQ_ONE with a payload")


def test_malformed_status_payloads_are_invalid():
    with extended(ALLOCATION, BITMAP) as it:
        known, other = it.contexts.values()
        stranger = max(it.contexts.values()) + 7
        length = struct.pack(">Q", 4096)
        for payload in (b"", b"\0", bytes(7), length, length + b"\0", length + struct.pack(">I", stranger),
                        length + struct.pack(">II", known, known), length + struct.pack(">III", known, other, stranger),
                        bytes(8) + struct.pack(">I", known), struct.pack(">Q", it.size + 1) + struct.pack(">I", known),
                        struct.pack(">Q", 2**64 - 1) + struct.pack(">I", known), length + bytes(2 * MIB)):
            reply = it.call(BLOCK_STATUS, 0, len(payload), PAYLOAD_LEN, payload, ids=[])
            check(reply.error == EINVAL, f"error {reply.error} for {payload[:24]!r}")
        # The same while other requests are on their way, when it may be another thread's work.
        cookies = []
        for number in range(60):
            cookies.append((it.submit(FLUSH), OK))
            payload = (b"", length, length + struct.pack(">I", stranger))[number % 3]
            cookies.append((it.submit(BLOCK_STATUS, 0, len(payload), PAYLOAD_LEN, payload, ids=[]), EINVAL))
        for cookie, error in cookies:
            reply = it.wait(cookie)
            check(reply.error == error, f"{reply.kind}: {reply.error} {reply.text}, not {error}")


main()
