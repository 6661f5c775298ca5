#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several connections, and bad ones: what one client does to another, up to the bound."""
import random
import threading

from kit import *
from wire import *

# As configured by default.
MAXIMUM_CONNECTIONS = 64
AREA = 40 * MIB


def test_a_flushed_write_is_seen_on_every_connection():
    writer, reader = libnbd(), libnbd()
    check(writer.can_multi_conn(), "multi-conn is not offered")
    for round in range(50):
        data = os.urandom(20000)
        (writer, reader)[round % 2].pwrite(data, AREA + round * 777)
        (writer, reader)[round % 2].flush()
        check((reader, writer)[round % 2].pread(len(data), AREA + round * 777) == data, f"round {round}")
    writer.shutdown()
    reader.shutdown()


def test_a_forced_write_is_seen_on_every_connection():
    import nbd
    writer, reader = libnbd(), libnbd()
    for round, change in enumerate((lambda: writer.pwrite(b"\x01" * 65536, AREA, nbd.CMD_FLAG_FUA),
                                    lambda: writer.zero(65536, AREA, nbd.CMD_FLAG_FUA))):
        change()
        check(reader.pread(65536, AREA) == (b"\x01", b"\0")[round] * 65536, f"round {round}")
    writer.shutdown()
    reader.shutdown()


def test_a_flush_covers_what_others_wrote():
    # What the document promises with CAN_MULTI_CONN: writes answered on any connection, then one flush on another.
    many = [client() for _ in range(8)]
    for number, it in enumerate(many):
        check(it.write(AREA + number * 4096, bytes([number]) * 4096) == OK, "WRITE")
    check(many[0].call(FLUSH).error == OK, "FLUSH")
    for number in range(8):
        check(many[-1].read(AREA + number * 4096, 4096) == bytes([number]) * 4096, f"connection {number}")
    for it in many:
        it.leave()
        it.socket.close()


def test_disconnect_in_the_middle_of_anything_harms_nobody():
    randomness = random.Random(11)
    with client() as witness:
        for _ in range(300):
            with wire.Client.unix(SOCKET) as it:
                mode = randomness.choice(MODES)
                whole = randomness.choice((
                    lambda: it.hello().encode(READ, 0, 4096),
                    lambda: it.enter(EXPORT, mode).encode(WRITE, AREA, 4 * MIB, PAYLOAD_LEN if mode == EXTENDED else 0) + bytes(9999),
                    lambda: it.enter(EXPORT, mode).encode(READ, 0, 8 * MIB) * 9,
                    lambda: it.enter(EXPORT, mode).encode(FLUSH) * 20,
                    lambda: b""))()
                it.send(whole[:randomness.randrange(len(whole) + 1)])
        check(len(witness.read(0, MIB)) == MIB, "the witness")
        witness.leave()


def test_half_a_write_that_never_ends_changes_nothing_of_others():
    with client() as slow, client() as quick:
        slow.send(slow.encode(WRITE, AREA, MIB, cookie=1) + bytes(1000))
        for number in range(50):
            check(quick.write(AREA + 2 * MIB, bytes([number]) * 512) == OK and quick.call(FLUSH).error == OK, "the other client")


def test_a_client_that_takes_no_replies_stalls_itself_alone():
    with client() as deaf, client() as quick:
        for _ in range(64):
            try:
                deaf.socket.setblocking(False)
                deaf.socket.send(deaf.encode(READ, 0, 8 * MIB, cookie=1))
            except BlockingIOError:
                break
        begin = time.monotonic()
        for _ in range(200):
            quick.read(0, 65536)
        check(time.monotonic() - begin < 10, "the other client is slow")


def test_requests_byte_by_byte_are_served():
    with wire.Client.unix(SOCKET) as it:
        it.hello()
        for byte in struct_go():
            it.send(bytes([byte]))
        check(it.replies(OPT_GO), "GO")
        it.size = it.flags = 0
        cookie = 99
        it.outstanding[cookie] = wire.Reply(READ, 0, 5, 100, [])
        for byte in it.encode(READ, 5, 100, cookie=cookie):
            it.socket.sendall(bytes([byte]))
            time.sleep(0.002)
        check(it.wait(cookie).error == OK, "READ")


def struct_go():
    data = wire.Client.query(EXPORT)
    return IHAVEOPT.to_bytes(8, "big") + OPT_GO.to_bytes(4, "big") + len(data).to_bytes(4, "big") + data


def test_connections_up_to_the_bound_are_served_and_one_more_is_not():
    many = []
    try:
        for _ in range(MAXIMUM_CONNECTIONS * 2):
            try:
                many.append(client())
            except Refused as e:
                check("the server is full" in str(e), e)
                break
            except (Gone, ConnectionError):
                break
        check(len(many) == MAXIMUM_CONNECTIONS, f"{len(many)} connections were served, {MAXIMUM_CONNECTIONS} are the bound")
        failures = []

        def use(it, number):
            try:
                for round in range(20):
                    data = bytes([round + 1]) * 4096
                    must(it.write(AREA + number * 4096, data) == OK, "WRITE")
                    must(it.read(AREA + number * 4096, 4096) == data, "content")
            except Exception as e:
                failures.append(f"{number}: {e!r}")

        threads = [threading.Thread(target=use, args=(it, number)) for number, it in enumerate(many)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check(not failures, failures[:3])
        many.pop().socket.close()

        def again():
            try:
                many.append(client())
                return True
            except (Refused, Gone, ConnectionError):
                return False

        until("there is room again", again)
    finally:
        for it in many:
            it.socket.close()
    until("all of them are gone", lambda: bool(command("nbdinfo", "--size", uri(), expect=None).stdout))


def test_a_silent_client_is_dropped_in_its_handshake():
    with wire.Client.unix(SOCKET).hello() as it:
        begin = time.monotonic()
        check(it.ended(), "something was sent")
        check(5 < time.monotonic() - begin < 20, f"dropped after {time.monotonic() - begin} s")


def test_an_idle_client_is_kept():
    with client() as it:
        time.sleep(12)
        check(len(it.read(0, 512)) == 512, "after a while")


main()
