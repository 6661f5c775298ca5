#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command with every flag, over simple, structured and extended replies, as the strict client sees it."""
import os
import random

from kit import *
from wire import *

ALLOCATION = "base:allocation"
BITMAP = "qemu:dirty-bitmap:blksnap"
CHUNKED = (STRUCTURED, EXTENDED)
# Where these tests write.
AREA = 32 * MIB


def each(modes=MODES, *contexts):
    for mode in modes:
        with client(EXPORT, mode, *(contexts if mode != SIMPLE else ())) as it:
            yield mode, it
            it.leave()


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def test_what_is_written_is_read_in_every_size():
    for mode, it in each():
        for number, size in enumerate((1, 511, 4096, 65537, 262144, 262145, 524288, 3 * MIB + 17, 8 * MIB)):
            data = noise(size, number)
            offset = AREA + number
            check(it.write(offset, data) == OK, f"{mode}: write of {size}")
            check(it.read(offset, size) == data, f"{mode}: {size} bytes differ")


def test_df_is_one_chunk_and_without_it_long_reads_are_split():
    for mode, it in each(CHUNKED):
        for size in (1, 65536, 4 * MIB):
            reply = it.call(READ, AREA, size, DF)
            check(reply.error in (OK, EOVERFLOW) and (size > 65536 or reply.error == OK), f"{mode}: {reply.error}")
            check(reply.error or len(reply.parts) == 1, f"{mode}: {len(reply.parts)} chunks")


def test_df_without_structured_replies_is_invalid():
    with client(EXPORT, SIMPLE) as it:
        check(it.call(READ, 0, 512, DF).error == EINVAL, "DF")
        it.read(0, 512)


def test_fua_is_taken_on_every_command():
    for mode, it in each(MODES, ALLOCATION):
        check(it.write(AREA, noise(4096), FUA) == OK, f"{mode}: WRITE")
        check(it.write(AREA, noise(2 * MIB), FUA) == OK, f"{mode}: long WRITE")
        for kind in (READ, TRIM, CACHE, WRITE_ZEROES):
            check(it.call(kind, AREA, 4096, FUA).error == OK, f"{mode}: {kind}")
        check(it.call(FLUSH, flags=FUA).error == OK, f"{mode}: FLUSH")
        if mode != SIMPLE:
            check(it.call(BLOCK_STATUS, AREA, 4096, FUA).error == OK, f"{mode}: BLOCK_STATUS")


def test_zeroes_are_zeroes_with_and_without_holes():
    for mode, it in each():
        for flags in (0, NO_HOLE, FUA, NO_HOLE | FUA):
            for offset, size in ((AREA, MIB), (AREA + 100, 5000), (AREA + 4095, 2)):
                it.write(AREA, noise(2 * MIB))
                check(it.call(WRITE_ZEROES, offset, size, flags).error == OK, f"{mode}: flags {flags}")
                after = it.read(AREA, 2 * MIB)
                expected = bytearray(noise(2 * MIB))
                expected[offset - AREA:offset - AREA + size] = bytes(size)
                check(after == expected, f"{mode}: flags {flags} at {offset}")


def test_no_hole_leaves_no_hole():
    # Told by the file system: space that is reserved but not written may still be called a hole over NBD.
    def occupied():
        return os.stat(FILE).st_blocks * 512

    for mode, it in each():
        it.write(AREA, noise(4 * MIB))
        it.call(TRIM, AREA, 4 * MIB)
        it.call(FLUSH)
        check(it.call(WRITE_ZEROES, AREA, 4 * MIB, NO_HOLE | FUA).error == OK, mode)
        check(it.read(AREA, 4 * MIB) == bytes(4 * MIB), mode)
        it.write(AREA, noise(4 * MIB))
        it.call(FLUSH)
        most = occupied()
        check(it.call(WRITE_ZEROES, AREA, 4 * MIB, NO_HOLE | FUA).error == OK, mode)
        check(occupied() >= most, f"{mode}: {occupied()} bytes occupied after, {most} before")
        check(it.call(WRITE_ZEROES, AREA, 4 * MIB, FUA).error == OK, mode)
        check(occupied() <= most, f"{mode}: {occupied()} bytes occupied, {most} before")


def test_fast_zero_is_fast_or_refused_and_then_alters_nothing():
    for mode, it in each():
        for offset, size in ((AREA, 4 * MIB), (AREA + 1, 4096), (0, it.size)):
            data = it.read(offset, min(size, MIB))
            begin = time.monotonic()
            error = it.call(WRITE_ZEROES, offset, size, FAST_ZERO).error
            taken = time.monotonic() - begin
            check(error in (OK, ENOTSUP), f"{mode}: error {error}")
            check(taken < 2, f"{mode}: {size} bytes took {taken} s")
            check(it.read(offset, len(data)) == (bytes(len(data)) if error == OK else data), f"{mode}: content")


def test_not_supported_is_never_said_without_fast_zero():
    for export in (EXPORT, IMAGE):
        with client(export) as it:
            data = it.read(AREA, 4096)
            for flags in (0, NO_HOLE):
                error = it.call(WRITE_ZEROES, AREA, 4096, flags).error
                check(error == OK, f"{export}: error {error}")
            it.write(AREA, data)


def test_trim_and_cache_and_flush():
    for mode, it in each():
        it.write(AREA, noise(MIB))
        check(it.call(CACHE, AREA, MIB).error == OK, f"{mode}: CACHE")
        check(it.read(AREA, MIB) == noise(MIB), f"{mode}: CACHE changed something")
        check(it.call(TRIM, AREA + 4096, 65536).error == OK, f"{mode}: TRIM")
        check(it.read(AREA, 4096) == noise(4096), f"{mode}: TRIM before its range")
        check(it.read(AREA + 69632, 4096) == noise(MIB)[69632:73728], f"{mode}: TRIM behind its range")
        check(it.call(FLUSH).error == OK, f"{mode}: FLUSH")
        check(it.call(CACHE, 0, it.size).error == OK, f"{mode}: CACHE of everything")


def test_unaligned_requests_are_served_as_advertised():
    with greeted() as it:
        least, best, most = it.info(EXPORT, INFO_BLOCK_SIZE).blocks
    check(least == 1, f"minimum {least}: requests must be refused, test that")
    for mode, it in each():
        it.write(AREA, bytes(8192))
        check(it.write(AREA + 511, b"abc") == OK, mode)
        check(it.read(AREA + 510, 5) == b"\0abc\0", mode)
        check(it.call(WRITE_ZEROES, AREA + 512, 1).error == OK, mode)
        check(it.read(AREA + 510, 5) == b"\0a\0c\0", mode)
        check(it.call(TRIM, AREA + 1, 3).error == OK, mode)


def test_ranges_outside_are_refused_with_the_errors_of_the_document():
    for mode, it in each(MODES, ALLOCATION):
        size = it.size
        for offset, length in ((size, 1), (size - 1, 2), (1 << 63, 1), (2**64 - 1, 1), (2**64 - 4096, 4096), (size - 1, 4096)):
            for kind in (READ, TRIM, CACHE) + ((BLOCK_STATUS,) if mode != SIMPLE else ()):
                check(it.call(kind, offset, length).error == EINVAL, f"{mode}: {kind} at {offset}+{length}")
            check(it.write(offset, bytes(length)) == ENOSPC, f"{mode}: WRITE at {offset}+{length}")
            check(it.call(WRITE_ZEROES, offset, length).error == ENOSPC, f"{mode}: WRITE_ZEROES at {offset}+{length}")
        check(len(it.read(size - 1, 1)) == 1, f"{mode}: the last byte")


def test_unknown_commands_and_flags_are_invalid():
    for mode, it in each(MODES, ALLOCATION):
        for kind in (8, 9, 255, 0xFFFF):
            check(it.call(kind, 0, 512).error == EINVAL, f"{mode}: command {kind}")
        wrong = {READ: NO_HOLE, WRITE: DF, FLUSH: REQ_ONE, TRIM: NO_HOLE, CACHE: FAST_ZERO, WRITE_ZEROES: DF, BLOCK_STATUS: NO_HOLE}
        for kind, flag in wrong.items():
            for flags in (flag, 1 << 6, 1 << 15):
                length = 0 if kind == FLUSH else 512
                payload = bytes(length) if kind == WRITE else b""
                extra = PAYLOAD_LEN if kind == WRITE and mode == EXTENDED else 0
                check(it.call(kind, 0, length, flags | extra, payload).error == EINVAL, f"{mode}: {kind} with {flags:#x}")


def test_payload_flag_with_compact_headers_is_invalid():
    for mode, it in each((SIMPLE, STRUCTURED)):
        check(it.call(READ, 0, 512, PAYLOAD_LEN).error == EINVAL, mode)
        check(it.call(WRITE, 0, 512, PAYLOAD_LEN, bytes(512)).error == EINVAL, mode)


def test_zero_length_requests_do_not_disconnect():
    for mode, it in each(MODES, ALLOCATION):
        for kind in (READ, TRIM, CACHE, WRITE_ZEROES) + ((BLOCK_STATUS,) if mode != SIMPLE else ()):
            check(it.call(kind, 0, 0).error in (OK, EINVAL), f"{mode}: {kind}")
        check(it.write(0, b"") in (OK, EINVAL), f"{mode}: WRITE")


def test_oversize_reads_and_writes_are_refused_and_the_next_one_served():
    with greeted() as it:
        most = it.info(EXPORT, INFO_BLOCK_SIZE).blocks[2]
    for mode, it in each():
        check(it.call(READ, 0, most + 1).error == EINVAL, f"{mode}: read of {most + 1}")
        check(it.write(0, bytes(most + 1)) == EINVAL, f"{mode}: write of {most + 1}")
        check(len(it.read(0, most)) == most, f"{mode}: read of {most}")
        data = noise(most)
        check(it.write(AREA, data) == OK and it.read(AREA, most) == data, f"{mode}: write of {most}")


def test_gigabytes_of_payload_end_the_session():
    for mode in MODES:
        with client(EXPORT, mode) as it:
            it.submit(WRITE, 0, 0xFFFFFFFF, PAYLOAD_LEN if mode == EXTENDED else 0)
            check(it.ended(), f"{mode}: the session goes on")


def test_status_covers_the_export_in_every_step():
    for mode, it in each(CHUNKED, ALLOCATION, BITMAP):
        for step in (it.size, 1 * MIB, 777777):
            for name in (ALLOCATION, BITMAP):
                at = 0
                while at < it.size:
                    at += sum(length for length, _ in it.block_status(at, min(step, it.size - at))[name])
                check(at == it.size, f"{mode}: {name} ends at {at}")


def test_holes_and_zeroes_are_told_truly():
    for mode, it in each(CHUNKED, ALLOCATION):
        it.write(AREA, noise(MIB))
        it.call(TRIM, AREA + 256 * KIB, 256 * KIB)
        at = AREA
        while at < AREA + MIB:
            for length, flags in it.block_status(at, AREA + MIB - at)[ALLOCATION]:
                check(not flags & ~3, f"{mode}: flags {flags}")
                if flags & 2:
                    check(not any(it.read(at, length)), f"{mode}: said to be zero at {at}")
                at += length


def test_req_one_is_one_extent():
    for mode, it in each(CHUNKED, ALLOCATION, BITMAP):
        for offset, length in ((0, it.size), (0, 1), (123457, 999999), (it.size - 1, 1)):
            it.block_status(offset, length, REQ_ONE)


def test_status_without_a_context_is_invalid():
    for mode, it in each(CHUNKED):
        check(it.call(BLOCK_STATUS, 0, 4096).error == EINVAL, mode)


def test_many_requests_in_flight_are_all_answered():
    for mode, it in each(MODES, ALLOCATION):
        randomness = random.Random(5)
        cookies = []
        for _ in range(400):
            kind = randomness.choice((READ, READ, WRITE, FLUSH, TRIM, CACHE, WRITE_ZEROES) + ((BLOCK_STATUS,) if mode != SIMPLE else ()))
            length = 0 if kind == FLUSH else randomness.choice((1, 512, 4096, 100000))
            offset = 0 if kind == FLUSH else AREA + randomness.randrange(8 * MIB)
            payload = bytes(length) if kind == WRITE else b""
            cookies.append(it.submit(kind, offset, length, PAYLOAD_LEN if kind == WRITE and mode == EXTENDED else 0, payload))
        for cookie in cookies:
            check(it.wait(cookie).error == OK, mode)


def test_disconnect_answers_what_is_outstanding():
    for mode, it in each():
        for number in range(50):
            it.submit(READ, number * 4096, 4096)
        it.submit(FLUSH)


def test_read_only_export_refuses_every_write():
    with configured(lambda: greeted_flags(IMAGE) & READ_ONLY, lambda: not greeted_flags(IMAGE) & READ_ONLY,
                    {"images_read_only": False}, images_read_only=True):
        for mode in MODES:
            with client(IMAGE, mode) as it:
                check(not it.flags & (SEND_TRIM | SEND_WRITE_ZEROES | SEND_FAST_ZERO), f"{mode}: flags {it.flags:#x}")
                for length in (512, 3 * MIB):
                    check(it.write(0, bytes(length)) == EPERM, f"{mode}: WRITE")
                for kind in (TRIM, WRITE_ZEROES):
                    check(it.call(kind, 0, 512).error == EPERM, f"{mode}: {kind}")
                check(it.call(FLUSH).error == OK and len(it.read(0, 512)) == 512, mode)


def greeted_flags(export):
    with greeted() as it:
        return it.info(export).flags


main()
