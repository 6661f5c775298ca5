#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a client is told of a device that fails in the middle: which error, where, and what came before it."""
from kit import *
from wire import *

SIZE = 8 * MIB


@contextlib.contextmanager
def shrinking():
    """An export, and what cuts the file behind it down to half of 8 MiB while clients are there."""
    if not HOME:
        size = os.stat(FILE).st_size
        try:
            yield EXPORT, lambda: os.truncate(FILE, SIZE // 2)
        finally:
            os.truncate(FILE, size)
        return
    with scratch() as here:
        path = here / "shrinking.img"
        path.write_bytes(os.urandom(SIZE))
        command(f"{HOME}/bin/blksnap", "device-attach", path, "--name", "shrinking", "--once")
        try:
            yield "shrinking", lambda: os.truncate(path, SIZE // 2)
        finally:
            command(f"{HOME}/bin/blksnap", "device-detach", "shrinking", expect=None)


def test_long_read_tells_where_it_failed_to_every_kind_of_client():
    import nbd
    with shrinking() as (export, cut):
        handle = libnbd(export)
        strict = {mode: client(export, mode) for mode in MODES}
        good = handle.pread(SIZE // 2, 0)
        cut()
        offset = MIB + 7
        for mode, it in strict.items():
            reply = it.call(READ, offset, 6 * MIB)
            check(reply.error in (EIO, EINVAL), f"{mode}: error {reply.error}")
            if mode != SIMPLE:
                # The strict client has seen to it that the place lies in the request and comes once.
                check(reply.error_offset is not None, f"{mode}: no place")
                check(offset + sum(len(d) for _, d in reply.parts) == reply.error_offset <= SIZE // 2, f"{mode}: {reply.error_offset}")
                check(reply.data() == good[offset:reply.error_offset], f"{mode}: what came before")
                check(reply.text, f"{mode}: without a word")
            check(it.read(0, MIB) == good[:MIB], f"{mode}: afterwards")
            it.leave()
            it.socket.close()
        places = []

        def chunk(part, at, status, error):
            if status == nbd.READ_ERROR:
                places.append(at)

        try:
            handle.pread_structured(6 * MIB, offset, chunk)
            check(False, "libnbd was told of no error")
        except nbd.Error:
            check(len(places) == 1 and offset < places[0] <= SIZE // 2, f"libnbd was told {places}")
        check(handle.pread(MIB, 0) == good[:MIB], "libnbd afterwards")
        handle.shutdown()


def test_requests_in_flight_fail_one_by_one():
    with shrinking() as (export, cut):
        with client(export) as it:
            cut()
            # The engine has to find out first that the file is shorter; a moment's delay is its right.
            until("reads beyond the end fail", lambda: it.call(READ, SIZE - 4096, 4096).error != OK)
            cookies = {offset: it.submit(READ, offset, 65536) for offset in range(0, SIZE, 65536)}
            for offset, cookie in cookies.items():
                error = it.wait(cookie).error
                check((error == OK) == (offset < SIZE // 2), f"error {error} at {offset}")
            it.leave()


main()
