# SPDX-License-Identifier: Apache-2.0
"""An engine for the library's tests: the socket's protocol from FORMATS.md, and calls of its own by which a test
program makes it go, drop a connection, or post events."""
import errno
import os
import select
import socket
import struct
import threading
import time

VERSION, CREATE, TAKE, WAIT = 0, 1, 4, 6
DROPS_AT_FRAME, GOES_FOR, WAITS, TURNS_AWAY, POSTS = 0x50, 0x51, 0x52, 0x53, 0x54
ATTACH, CTL = 140, 142
CBTDIRTY = 2
READ, WRITE, RESULT, WAITING = 1, 2, 3, 4
MOST = 4096


class Gone(Exception):
    pass


class Fault(Exception):
    pass


class Call:
    """One connection."""

    def __init__(self, client, drops_at):
        self.client, self.drops_at, self.frames = client, drops_at, 0

    def hear(self, size):
        heard = b""
        while len(heard) < size:
            part = self.client.recv(size - len(heard))
            if not part:
                raise Gone
            heard += part
        return heard

    def frame(self, kind, value, address, body=b""):
        if self.frames == self.drops_at:
            raise Gone
        self.frames += 1
        self.client.sendall(struct.pack("<IIQ", kind, value, address) + body)

    def status(self):
        if struct.unpack("<I", self.hear(4))[0]:
            raise Fault

    def read(self, address, size):
        got = bytearray()
        while size:
            part = min(size, MOST)
            self.frame(READ, part, address % 2**64)
            self.status()
            got += self.hear(part)
            address, size = address + part, size - part
        return bytes(got)

    def write(self, address, data):
        for at in range(0, len(data), MOST):
            part = data[at : at + MOST]
            self.frame(WRITE, len(part), address + at, part)
            self.status()


class Engine:
    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        self.waiting, self.next_drop, self.next_errno, self.made = 0, None, 0, 0
        self.events, self.posted = [], threading.Condition(self.lock)
        self.listen()

    def listen(self):
        self.server = socket.socket(socket.AF_UNIX)
        directory, name = os.path.split(self.path)
        here = os.open(".", os.O_RDONLY)
        os.chdir(directory)  # A path may be longer than an address.
        self.server.bind(name)
        os.chdir(here)
        os.close(here)
        self.server.listen(64)
        threading.Thread(target=self.accept, args=(self.server,), daemon=True).start()

    def accept(self, server):
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def go(self, milliseconds):
        os.unlink(self.path)
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        time.sleep(milliseconds / 1000)
        self.listen()

    def serve(self, client):
        try:
            self.call(client)
        except (Gone, OSError):
            pass
        finally:
            client.close()

    def call(self, client):
        call = Call(client, None)
        head = call.hear(56)
        magic, version, kind, word, argument = struct.unpack("<8sHHIQ", head[:24])
        assert magic == b"BLKSIOC\0" and version == 1, head
        path = call.hear(struct.unpack("<I", head[48:52])[0])
        assert path.startswith(b"/"), path
        number = word & 0xFF
        if kind == 0 and DROPS_AT_FRAME <= number <= POSTS:
            given = struct.unpack("<I", call.read(argument, 4))[0]
            call.write(argument, struct.pack("<I", self.order(number, given)))
            if number == GOES_FOR:
                gone = threading.Event()
                threading.Thread(target=lambda: (gone.set(), self.go(given)), daemon=True).start()
                while os.path.exists(self.path):
                    time.sleep(0.001)
            call.frame(RESULT, 0, 0)
            return
        with self.lock:
            call.drops_at, self.next_drop = self.next_drop, None
            refusal, self.next_errno = self.next_errno, 0
        try:
            answer = refusal or (self.control if kind == 0 else self.filter)(call, number, argument)
        except Fault:
            answer = errno.EFAULT
        call.frame(RESULT, answer, 0)

    def order(self, number, given):
        with self.lock:
            if number == DROPS_AT_FRAME:
                self.next_drop = given
            elif number == TURNS_AWAY:
                self.next_errno = given
            elif number == WAITS:
                return self.waiting
            elif number == POSTS:
                self.events += range(1, given + 1)
                self.posted.notify_all()
            return given

    def control(self, call, number, argument):
        if number == VERSION:
            call.write(argument, struct.pack("<4H", 2, 0, 0, 0))
        elif number == CREATE:
            call.write(argument, bytes(16))
            with self.lock:
                self.made += 1
                made = self.made
            call.write(argument, struct.pack("<QQ", made, 7))
        elif number == TAKE:
            call.read(argument, 16)
            time.sleep(0.3)
        elif number == WAIT:
            with self.lock:
                self.waiting += 1
            try:
                return self.wait(call, argument)
            finally:
                with self.lock:
                    self.waiting -= 1
        else:
            return errno.ENOTTY
        return 0

    def wait(self, call, argument):
        timeout = struct.unpack("<I", call.read(argument, 20)[16:])[0]
        end = time.monotonic() + timeout / 1000
        while True:
            with self.lock:
                event = self.events[0] if self.events else None
            if event is not None:
                call.write(argument + 20, struct.pack("<Iq4064s", 0, 1, struct.pack("<I", event)))
                with self.lock:
                    if self.events[:1] == [event]:
                        del self.events[0]
                        return 0
                call.frame(WAITING, 0, 0)
            if time.monotonic() >= end:
                return errno.ENOENT
            if select.select([call.client], [], [], 0.02)[0]:
                raise Gone

    @staticmethod
    def filter(call, number, argument):
        if number == ATTACH:
            call.read(argument, 32)
            return 0
        assert number == CTL, number
        command, _, option = struct.unpack("<IIQ", call.read(argument, 48)[32:])
        if command == CBTDIRTY:
            count, _, ranges = struct.unpack("<IIQ", call.read(option, 16))
            given = memoryview(call.read(ranges, 16 * count)).cast("Q")
            mask = 2**32 - 1
            if any(given[2 * i] != i or given[2 * i + 1] != i ^ mask for i in range(count)):
                return errno.EINVAL
        else:
            call.write(option, bytes(40))
        call.write(argument + 36, struct.pack("<I", 0))
        return 0
