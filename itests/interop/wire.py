# SPDX-License-Identifier: Apache-2.0
"""A strict NBD client, written from the protocol document alone.

It takes nothing on trust: whatever the document forbids a server to send ends the test. It can also
say what no good client says. Compact headers with simple or structured replies, and extended headers.
"""
import random
import select
import socket
import ssl
import struct

SIMPLE, STRUCTURED, EXTENDED = "simple", "structured", "extended"
MODES = (SIMPLE, STRUCTURED, EXTENDED)

OPT_EXPORT_NAME, OPT_ABORT, OPT_LIST, OPT_STARTTLS, OPT_INFO, OPT_GO = 1, 2, 3, 5, 6, 7
OPT_STRUCTURED_REPLY, OPT_LIST_META_CONTEXT, OPT_SET_META_CONTEXT, OPT_EXTENDED_HEADERS = 8, 9, 10, 11
REP_ACK, REP_SERVER, REP_INFO, REP_META_CONTEXT = 1, 2, 3, 4
REP_ERROR = 1 << 31
ERR_UNSUP, ERR_POLICY, ERR_INVALID, ERR_PLATFORM, ERR_TLS_REQD = (REP_ERROR + n for n in range(1, 6))
ERR_UNKNOWN, ERR_SHUTDOWN, ERR_BLOCK_SIZE_REQD, ERR_TOO_BIG, ERR_EXT_HEADER_REQD = (REP_ERROR + n for n in range(6, 11))
INFO_EXPORT, INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE = range(4)

HAS_FLAGS, READ_ONLY, SEND_FLUSH, SEND_FUA, ROTATIONAL, SEND_TRIM, SEND_WRITE_ZEROES, SEND_DF, CAN_MULTI_CONN = (
    1 << n for n in range(9))
SEND_CACHE, SEND_FAST_ZERO, BLOCK_STATUS_PAYLOAD = 1 << 10, 1 << 11, 1 << 12

READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS = range(8)
FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO, PAYLOAD_LEN = (1 << n for n in range(6))

OK, EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP, ESHUTDOWN = 0, 1, 5, 12, 22, 28, 75, 95, 108
ERRORS = (EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP, ESHUTDOWN)

NBDMAGIC, IHAVEOPT, OPTION_REPLY = 0x4E42444D41474943, 0x49484156454F5054, 0x3E889045565A9
REQUEST, EXTENDED_REQUEST = 0x25609513, 0x21E41C71
SIMPLE_REPLY, STRUCTURED_REPLY, EXTENDED_REPLY = 0x67446698, 0x668E33EF, 0x6E8A278C
NONE, OFFSET_DATA, OFFSET_HOLE, STATUS, STATUS_EXT = 0, 1, 2, 5, 6
CHUNK_ERROR, CHUNK_ERROR_OFFSET = 0x8001, 0x8002

MAXIMUM_STRING = 4096
# Longest wait for anything, seconds.
PATIENCE = 30


class Violation(Exception):
    """The server did what the document forbids."""


class Refused(Exception):
    """An option was answered by an error."""

    def __init__(self, kind, text):
        super().__init__(f"option refused: {kind - REP_ERROR}: {text}")
        self.kind = kind
        self.text = text


class Gone(Exception):
    """The server closed the connection."""


def must(condition, *what):
    if not condition:
        raise Violation(" ".join(map(str, what)))


def text_of(data):
    must(len(data) <= MAXIMUM_STRING, "a string of", len(data), "bytes")
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError as e:
        raise Violation(f"a string that is no UTF-8: {e}") from e
    must("\0" not in text, "a string with a NUL")
    return text


class Info:
    """What INFO or GO told."""

    def __init__(self):
        self.size = self.flags = self.name = self.description = self.blocks = None

    def __eq__(self, other):
        return vars(self) == vars(other)

    def __repr__(self):
        return f"Info({vars(self)})"


class Reply:
    """A request, and what has come in answer to it so far."""

    def __init__(self, kind, flags, offset, length, ids):
        self.kind, self.flags, self.offset, self.length, self.ids = kind, flags, offset, length, ids
        self.done = False
        self.error = OK
        self.text = ""
        self.error_offset = None
        self.parts = []
        self.status = {}
        self.chunks = 0

    def content(self, offset, data):
        end = offset + len(data)
        must(data, "a content chunk of nothing")
        must(self.offset <= offset and end <= self.offset + self.length, "content outside the request:", offset, end)
        for other, there in self.parts:
            must(end <= other or other + len(there) <= offset, "content chunks overlap at", offset)
        self.parts.append((offset, data))
        must(not self.flags & DF or len(self.parts) == 1, "a second content chunk in spite of DF")

    def data(self):
        return b"".join(data for _, data in sorted(self.parts))

    def finish(self):
        self.done = True
        if self.error == OK and self.kind == READ:
            must(sum(len(d) for _, d in self.parts) == self.length, "success, but only part of the data")
        if self.error == OK and self.kind == BLOCK_STATUS:
            must(set(self.status) == set(self.ids), "status of", sorted(self.status), "asked for", sorted(self.ids))


class Client:
    """One connection. Use as a context manager: leaving it closes the socket, whatever state it is in."""

    def __init__(self, sock):
        self.socket = sock
        sock.settimeout(PATIENCE)
        self.mode = SIMPLE
        self.contexts = {}
        self.outstanding = {}
        self.random = random.Random(7)
        self.size = self.flags = None

    @classmethod
    def unix(cls, path):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(path)
        return cls(sock)

    @classmethod
    def tcp(cls, port, host="127.0.0.1"):
        return cls(socket.create_connection((host, port), PATIENCE))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # Bytes.

    def send(self, data):
        """Takes replies while the server takes nothing: it may wait for us to take some."""
        data = memoryview(data)
        try:
            if isinstance(self.socket, ssl.SSLSocket):
                self.socket.sendall(data)
                return
            while data:
                readable, writable, _ = select.select([self.socket] if self.outstanding else [], [self.socket], [], PATIENCE)
                must(readable or writable, f"the server took nothing for {PATIENCE} s")
                if writable:
                    data = data[self.socket.send(data, socket.MSG_DONTWAIT):]
                else:
                    self.receive()
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Gone() from e

    def take(self, count):
        got = bytearray()
        while len(got) < count:
            try:
                piece = self.socket.recv(count - len(got))
            except ConnectionResetError as e:
                raise Gone() from e
            except socket.timeout as e:
                raise Violation(f"nothing more came within {PATIENCE} s; {len(got)} of {count} bytes") from e
            if not piece:
                must(not got, "closed in the middle of a message")
                raise Gone()
            got += piece
        return bytes(got)

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def ended(self):
        """True where the server has closed the connection and sent nothing before."""
        try:
            self.take(1)
        except Gone:
            return True
        return False

    # Handshake.

    def hello(self, flags=3):
        magic, have, offered = self.unpack(">QQH")
        must(magic == NBDMAGIC and have == IHAVEOPT, "no newstyle greeting")
        must(offered & 1, "no fixed newstyle")
        must(not offered & ~3, "unknown handshake flags", offered)
        self.send(struct.pack(">I", flags))
        return self

    def option(self, option, data=b""):
        self.send(struct.pack(">QII", IHAVEOPT, option, len(data)) + data)

    def replies(self, option):
        """All replies to an option, without the closing ACK; Refused where it ends in an error."""
        found = []
        while True:
            magic, echoed, kind, length = self.unpack(">QIII")
            must(magic == OPTION_REPLY, "option reply magic", hex(magic))
            must(echoed == option, "a reply to option", echoed, "not", option)
            must(length <= 1 << 20, "an option reply of", length, "bytes")
            data = self.take(length)
            if kind & REP_ERROR:
                raise Refused(kind, text_of(data))
            if kind == REP_ACK:
                must(not data, "ACK with data")
                return found
            must(kind in (REP_SERVER, REP_INFO, REP_META_CONTEXT), "unknown reply type", kind)
            found.append((kind, data))

    def ask(self, option, data=b""):
        self.option(option, data)
        return self.replies(option)

    def list(self):
        found = {}
        for kind, data in self.ask(OPT_LIST):
            must(kind == REP_SERVER and len(data) >= 4, "LIST answered by type", kind)
            length, = struct.unpack(">I", data[:4])
            must(length <= len(data) - 4, "a name longer than its reply")
            name = text_of(data[4:4 + length])
            must(name not in found, "listed twice:", name)
            found[name] = text_of(data[4 + length:])
        return found

    @staticmethod
    def query(name, *items, form=">H"):
        name = name.encode()
        return struct.pack(">I", len(name)) + name + struct.pack(form, len(items)) + b"".join(items)

    def info(self, name, *wanted, option=OPT_INFO):
        info = Info()
        seen = set()
        for kind, data in self.ask(option, self.query(name, *(struct.pack(">H", w) for w in wanted))):
            must(kind == REP_INFO and len(data) >= 2, "INFO answered by type", kind)
            what, = struct.unpack(">H", data[:2])
            must(what not in seen, "information", what, "twice")
            seen.add(what)
            data = data[2:]
            if what == INFO_EXPORT:
                must(len(data) == 10, "INFO_EXPORT of", len(data))
                info.size, info.flags = struct.unpack(">QH", data)
                self.check_flags(info.flags)
            elif what == INFO_NAME:
                info.name = text_of(data)
            elif what == INFO_DESCRIPTION:
                info.description = text_of(data)
            elif what == INFO_BLOCK_SIZE:
                must(len(data) == 12, "INFO_BLOCK_SIZE of", len(data))
                info.blocks = least, best, most = struct.unpack(">III", data)
                must(least & (least - 1) == 0 and 1 <= least <= 65536, "minimum block size", least)
                must(best & (best - 1) == 0 and best >= max(least, 512), "preferred block size", best)
                must(most == 0xFFFFFFFF or most % least == 0, "maximum block size", most)
        must(info.size is not None, "no INFO_EXPORT")
        return info

    def check_flags(self, flags):
        must(flags & HAS_FLAGS, "HAS_FLAGS is not set")
        must(self.mode != SIMPLE or not flags & SEND_DF, "DF is offered without structured replies")
        must(flags & SEND_WRITE_ZEROES or not flags & SEND_FAST_ZERO, "FAST_ZERO without WRITE_ZEROES")
        must(self.mode == EXTENDED or not flags & BLOCK_STATUS_PAYLOAD, "BLOCK_STATUS_PAYLOAD without extended headers")

    def raise_to(self, mode):
        if mode != SIMPLE:
            must(not self.ask(OPT_EXTENDED_HEADERS if mode == EXTENDED else OPT_STRUCTURED_REPLY), "more than ACK")
            self.mode = mode

    def meta(self, option, name, *queries):
        items = [struct.pack(">I", len(q.encode())) + q.encode() for q in queries]
        found = {}
        for kind, data in self.ask(option, self.query(name, *items, form=">I")):
            must(kind == REP_META_CONTEXT and len(data) > 4, "contexts answered by type", kind)
            number, = struct.unpack(">I", data[:4])
            context = text_of(data[4:])
            must(":" in context and context not in found, "context", context)
            if option == OPT_SET_META_CONTEXT:
                must(number not in found.values(), "the id of a context twice:", number)
            found[context] = number
        return found

    def select(self, name, *queries):
        self.contexts = {}
        self.contexts = self.meta(OPT_SET_META_CONTEXT, name, *queries)
        must(set(self.contexts) <= set(queries), "contexts not asked for:", self.contexts)
        return self.contexts

    def go(self, name, *wanted):
        info = self.info(name, *wanted, option=OPT_GO)
        self.size, self.flags = info.size, info.flags
        return info

    def enter(self, name, mode=STRUCTURED, *contexts):
        """From the greeting to the transmission phase."""
        self.hello()
        self.raise_to(mode)
        if contexts:
            selected = self.select(name, *contexts)
            must(set(selected) == set(contexts), "selected", selected, "of", contexts)
        self.go(name, INFO_BLOCK_SIZE)
        return self

    # Transmission.

    def encode(self, kind, offset=0, length=0, flags=0, cookie=0):
        if self.mode == EXTENDED:
            return struct.pack(">IHHQQQ", EXTENDED_REQUEST, flags, kind, cookie, offset, length)
        return struct.pack(">IHHQQI", REQUEST, flags, kind, cookie, offset, length)

    def submit(self, kind, offset=0, length=0, flags=0, payload=b"", effect=None, ids=None):
        """Sends a request; answers its cookie. effect: the range it is about, where length is a payload's."""
        cookie = self.random.getrandbits(64)
        ids = list(self.contexts.values()) if ids is None else ids
        self.outstanding[cookie] = Reply(kind, flags, offset, length if effect is None else effect, ids)
        self.send(self.encode(kind, offset, length, flags, cookie) + payload)
        return cookie

    def wait(self, cookie):
        reply = self.outstanding[cookie]
        while not reply.done:
            self.receive()
        del self.outstanding[cookie]
        return reply

    def call(self, kind, offset=0, length=0, flags=0, payload=b"", **more):
        return self.wait(self.submit(kind, offset, length, flags, payload, **more))

    def read(self, offset, length, flags=0):
        reply = self.call(READ, offset, length, flags)
        must(reply.error == OK, "read failed:", reply.error, reply.text)
        return reply.data()

    def write(self, offset, data, flags=0):
        if self.mode == EXTENDED:
            flags |= PAYLOAD_LEN
        return self.call(WRITE, offset, len(data), flags, data).error

    def block_status(self, offset, length, flags=0, only=None):
        """Descriptors of each context by its name; only: names to ask for by a payload."""
        if only is None:
            reply = self.call(BLOCK_STATUS, offset, length, flags)
        else:
            ids = [self.contexts[name] for name in only]
            payload = struct.pack(">Q", length) + b"".join(struct.pack(">I", i) for i in ids)
            reply = self.call(BLOCK_STATUS, offset, len(payload), flags | PAYLOAD_LEN, payload, effect=length, ids=ids)
        must(reply.error == OK, "block status failed:", reply.error, reply.text)
        return {name: reply.status[number] for name, number in self.contexts.items() if number in reply.status}

    def leave(self):
        """Soft disconnect; everything outstanding must still be answered."""
        self.send(self.encode(DISC))
        while any(not r.done for r in self.outstanding.values()):
            self.receive()
        must(self.ended(), "something was sent after the disconnect")

    def receive(self):
        magic, = self.unpack(">I")
        if magic == SIMPLE_REPLY:
            must(self.mode != EXTENDED, "a simple reply in spite of extended headers")
            error, cookie = self.unpack(">IQ")
            reply = self.known(cookie)
            must(self.mode == SIMPLE or reply.kind not in (READ, BLOCK_STATUS), "a simple reply to request", reply.kind)
            must(error == OK or error in ERRORS, "error", error)
            must(reply.chunks == 0, "a simple reply after chunks")
            reply.error = error
            if reply.kind == READ and error == OK and reply.length:
                reply.content(reply.offset, self.take(reply.length))
            reply.finish()
            return
        must(self.mode != SIMPLE, "a chunk without structured replies")
        must(magic == (EXTENDED_REPLY if self.mode == EXTENDED else STRUCTURED_REPLY), "reply magic", hex(magic))
        flags, kind, cookie = self.unpack(">HHQ")
        reply = self.known(cookie)
        if self.mode == EXTENDED:
            offset, length = self.unpack(">QQ")
            must(offset == reply.offset, "the offset of a reply is", offset, "that of the request", reply.offset)
        else:
            length, = self.unpack(">I")
        must(length <= (64 << 20) + 4096, "a chunk of", length, "bytes")
        must(not flags & ~1, "unknown reply flags", flags)
        reply.chunks += 1
        self.chunk(reply, flags & 1, kind, self.take(length))
        if flags & 1:
            reply.finish()

    def known(self, cookie):
        must(cookie in self.outstanding, "a reply to nothing, cookie", hex(cookie))
        reply = self.outstanding[cookie]
        must(not reply.done, "a reply after the last one, cookie", hex(cookie))
        return reply

    def chunk(self, reply, done, kind, data):
        if kind == NONE:
            must(done and not data, "chunk NONE with data or without DONE")
        elif kind == OFFSET_DATA:
            must(reply.kind == READ and len(data) >= 9, "data chunk for request", reply.kind, "of", len(data))
            reply.content(struct.unpack(">Q", data[:8])[0], data[8:])
        elif kind == OFFSET_HOLE:
            must(reply.kind == READ and len(data) == 12, "hole chunk for request", reply.kind, "of", len(data))
            offset, size = struct.unpack(">QI", data)
            must(size <= reply.length, "a hole of", size)
            reply.content(offset, bytes(size))
        elif kind in (STATUS, STATUS_EXT):
            self.status_chunk(reply, kind, data)
        elif kind & 0x8000:
            self.error_chunk(reply, kind, data)
        else:
            raise Violation(f"unknown chunk type {kind}")

    def status_chunk(self, reply, kind, data):
        must(reply.kind == BLOCK_STATUS, "status chunk for request", reply.kind)
        must(kind == STATUS or self.mode == EXTENDED, "an extended status chunk in compact mode")
        head, each, form = (8, 16, ">QQ") if kind == STATUS_EXT else (4, 8, ">II")
        must(len(data) > head and (len(data) - head) % each == 0, "a status chunk of", len(data))
        number, = struct.unpack(">I", data[:4])
        if kind == STATUS_EXT:
            count, = struct.unpack(">I", data[4:8])
            must(count in (0, (len(data) - head) // each), "descriptor count", count)
        must(number in reply.ids and number not in reply.status, "status of context", number)
        found = [struct.unpack(form, data[i:i + each]) for i in range(head, len(data), each)]
        must(all(length > 0 for length, _ in found), "an extent of nothing")
        must(sum(length for length, _ in found[:-1]) < reply.length, "extents behind the request")
        must(reply.offset + sum(length for length, _ in found) <= self.size, "extents behind the export")
        if reply.flags & REQ_ONE:
            must(len(found) == 1 and found[0][0] <= reply.length, "REQ_ONE answered by", found[:3])
        reply.status[number] = found

    def error_chunk(self, reply, kind, data):
        must(len(data) >= 6, "an error chunk of", len(data))
        error, length = struct.unpack(">IH", data[:6])
        must(error in ERRORS, "error", error)
        must(length <= len(data) - 6, "an error text longer than its chunk")
        reply.error, reply.text = error, text_of(data[6:6 + length])
        rest = data[6 + length:]
        if kind == CHUNK_ERROR_OFFSET:
            must(len(rest) == 8, "an error offset of", len(rest), "bytes")
            reply.error_offset, = struct.unpack(">Q", rest)
            must(reply.offset <= reply.error_offset < reply.offset + reply.length, "error at", reply.error_offset)
        else:
            must(kind == CHUNK_ERROR and not rest, "error chunk", hex(kind), "with", len(rest), "bytes more")
