// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress.nbd;

import static org.blksnap.stress.nbd.HandshakeJudge.must;
import static org.blksnap.stress.nbd.HandshakeJudge.string;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.blksnap.nbd.internal.protocol.Wire;

/** Judges the answers to the requests of one client. */
final class TransmissionJudge {
  private final int size;
  private final int maximumRequest;
  private final ByteBuffer said;
  private final ByteBuffer heard;
  private final int mode;
  private final String export;
  private final Set<Integer> contexts;
  private final Map<Long, Asked> asked = new HashMap<>();

  /** Both buffers stand behind the handshake. */
  TransmissionJudge(
      int size, int maximumRequest, HandshakeJudge agreed, ByteBuffer said, ByteBuffer heard) {
    this.size = size;
    this.maximumRequest = maximumRequest;
    this.said = said;
    this.heard = heard;
    this.mode = agreed.mode();
    this.export = agreed.export();
    this.contexts = agreed.contexts();
  }

  /** A request, and what has come in answer. */
  private static final class Asked {
    int flags;
    int type;
    long offset;
    long length;
    int expected;
    Set<Integer> ids;
    long got;
    int chunks;
    boolean done;
  }

  /** How many requests were whole, and judged. */
  long judge() {
    boolean cut = requests();
    if (asked.containsKey(null)) {
      // Two requests with one cookie: nobody can tell their answers apart.
      heard.position(heard.limit());
      return 0;
    }
    while (heard.hasRemaining()) {
      answer();
    }
    for (Asked each : asked.values()) {
      must(each.done || cut, "unanswered: type " + each.type + " length " + each.length);
    }
    return asked.size();
  }

  /** Reads all whole requests; true where the last thing said was against the protocol. */
  private boolean requests() {
    int header = mode == 2 ? 32 : 28;
    while (said.remaining() >= header) {
      if (said.getInt() != (mode == 2 ? 0x21e41c71 : 0x25609513)) {
        return true;
      }
      Asked each = new Asked();
      each.flags = said.getShort() & 0xffff;
      each.type = said.getShort() & 0xffff;
      long cookie = said.getLong();
      each.offset = said.getLong();
      each.length = mode == 2 ? said.getLong() : said.getInt() & 0xffff_ffffL;
      if (each.type == Wire.CMD_DISC) {
        return false;
      }
      boolean carries = mode == 2 && (each.flags & 32) != 0;
      long payload = each.type == 1 || carries ? each.length : 0;
      if (payload < 0 || payload > 2L * maximumRequest) {
        return true;
      }
      if (payload > said.remaining()) {
        return false;
      }
      ByteBuffer content = said.slice(said.position(), (int) payload);
      said.position(said.position() + (int) payload);
      each.ids = contexts;
      each.expected = expected(each, content);
      if (asked.put(cookie, each) != null) {
        asked.put(null, each);
      }
    }
    return false;
  }

  private boolean outside(long offset, long length) {
    return offset < 0 || length < 0 || offset > size || length > size - offset;
  }

  private int expected(Asked each, ByteBuffer payload) {
    int carried = mode == 2 ? 32 : 0;
    int known =
        switch (each.type) {
          case 0 -> 1 | (mode == 0 ? 0 : 4);
          case 1 -> 1 | carried;
          case 3, 4, 5 -> 1;
          case 6 -> 1 | 2 | 16;
          case 7 -> 1 | 8 | carried;
          default -> -1;
        };
    if (known < 0 || (each.flags & ~known) != 0) {
      return 22;
    }
    boolean readOnly = export.equals("ro");
    boolean outside = outside(each.offset, each.length);
    return switch (each.type) {
      case 0 -> outside || each.length > maximumRequest ? 22 : 0;
      case 1 -> readOnly ? 1 : each.length > maximumRequest ? 22 : outside ? 28 : 0;
      case 3 -> each.offset != 0 || each.length != 0 ? 22 : 0;
      case 4 -> readOnly ? 1 : outside ? 22 : 0;
      case 5 -> outside ? 22 : 0;
      case 6 -> readOnly ? 1 : outside ? 28 : (each.flags & 16) != 0 && each.length > 0 ? 95 : 0;
      default -> expectedOfStatus(each, payload);
    };
  }

  private int expectedOfStatus(Asked each, ByteBuffer payload) {
    if (contexts.isEmpty()) {
      return 22;
    }
    if ((each.flags & 32) != 0) {
      if (payload.remaining() < 12 || payload.remaining() % 4 != 0) {
        return 22;
      }
      each.length = payload.getLong();
      each.ids = new HashSet<>();
      while (payload.hasRemaining()) {
        int id = payload.getInt();
        if (!contexts.contains(id) || !each.ids.add(id)) {
          return 22;
        }
      }
    }
    return each.length == 0 || outside(each.offset, each.length) ? 22 : 0;
  }

  private Asked known(long cookie) {
    Asked each = asked.get(cookie);
    must(each != null, "a reply to cookie " + Long.toHexString(cookie));
    must(!each.done, "a reply behind the last");
    return each;
  }

  private void answer() {
    must(heard.remaining() >= 16, "half a reply");
    int magic = heard.getInt();
    if (magic == 0x67446698) {
      must(mode == 0, "a simple reply");
      int error = heard.getInt();
      Asked each = known(heard.getLong());
      judgeError(each, error);
      if (each.type == 0 && error == 0) {
        must(heard.remaining() >= each.length, "half a simple read");
        heard.position(heard.position() + (int) each.length);
      }
      each.done = true;
      return;
    }
    must(magic == (mode == 2 ? 0x6e8a278c : 0x668e33ef) && mode != 0, "reply magic");
    must(heard.remaining() >= (mode == 2 ? 28 : 16), "half a chunk");
    int flags = heard.getShort();
    int type = heard.getShort() & 0xffff;
    Asked each = known(heard.getLong());
    must(mode != 2 || heard.getLong() == each.offset, "offset of a reply");
    long length = mode == 2 ? heard.getLong() : heard.getInt();
    must(length >= 0 && length <= heard.remaining(), "half a chunk");
    ByteBuffer content = heard.slice(heard.position(), (int) length);
    heard.position(heard.position() + (int) length);
    must((flags & ~1) == 0, "reply flags");
    each.chunks++;
    chunk(each, type, content);
    each.done = flags == 1;
    boolean well = type < 0x8000;
    if (each.done && well) {
      judgeError(each, 0);
    }
    if (each.done && well) {
      must(each.type != 0 || each.got == each.length, "read of " + each.got);
      must(each.type != 7 || each.chunks == each.ids.size(), each.chunks + " status chunks");
    }
  }

  private static void judgeError(Asked each, int error) {
    if (error != each.expected) {
      throw new AssertionError(
          "error %d to type %d flags %d offset %d length %d, expected %d"
              .formatted(error, each.type, each.flags, each.offset, each.length, each.expected));
    }
  }

  private void chunk(Asked each, int type, ByteBuffer content) {
    switch (type) {
      case 0 -> must(!content.hasRemaining() && (each.type != 0 || each.length == 0), "NONE");
      case 1 -> {
        must(each.type == 0 && content.remaining() > 8, "data chunk");
        must(content.getLong() == each.offset + each.got, "data chunks out of order");
        each.got += content.remaining();
        must(each.got <= each.length, "more data than asked for");
        must((each.flags & 4) == 0 || each.chunks == 1, "split in spite of DF");
      }
      case 5 -> status(each, content, 8);
      case 6 -> status(each, content, 16);
      case 0x8001, 0x8002 -> {
        int error = content.getInt();
        judgeError(each, error);
        must(string(content, content.getShort()) != null, "text of an error");
        must(content.remaining() == (type == 0x8001 ? 0 : 8), "error chunk");
      }
      default -> must(false, "chunk type " + type);
    }
  }

  private void status(Asked each, ByteBuffer content, int width) {
    must(each.type == 7 && (width == 8 || mode == 2), "status chunk");
    must(each.ids.contains(content.getInt()), "context of a status chunk");
    int count = width == 16 ? content.getInt() : content.remaining() / width;
    must(count > 0 && content.remaining() == count * width, "descriptors");
    must((each.flags & 8) == 0 || count == 1, "REQ_ONE");
    long sum = 0;
    for (int i = 0; i < count; i++) {
      long length = width == 16 ? content.getLong() : content.getInt();
      long state = width == 16 ? content.getLong() : content.getInt();
      must(length > 0 && (state & ~3) == 0, "descriptor");
      sum += length;
    }
    must(sum <= each.length, "descriptors behind the request");
  }
}
