// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.session.Handshake;

/**
 * Reads what a client said as the protocol document reads it, and holds the answers against that:
 * each option and each whole request has exactly the one answer it must have, in the right form,
 * and nothing else was said. Knows nothing of how the server does it.
 */
final class ReplyJudge {
  private static final Set<String> DEVICES = Set.of("disk", "ro");

  private final int size;
  private final int maximumRequest;

  private ByteBuffer said;
  private ByteBuffer heard;
  private int mode;
  private String contextsOf;
  private final Set<Integer> contexts = new HashSet<>();
  private String export;
  private final Map<Long, Asked> asked = new HashMap<>();

  /** How many requests were whole, and judged. */
  long requests;

  ReplyJudge(int size, int maximumRequest) {
    this.size = size;
    this.maximumRequest = maximumRequest;
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

  void judge(byte[] input, ByteBuffer output) {
    said = ByteBuffer.wrap(input);
    heard = output;
    mode = 0;
    contextsOf = null;
    contexts.clear();
    asked.clear();
    export = null;
    must(heard.remaining() >= 18, "no whole greeting");
    must(heard.getLong() == 0x4e42444d41474943L, "greeting");
    must(heard.getLong() == 0x49484156454f5054L, "greeting");
    must(heard.getShort() == 3, "handshake flags");
    if (negotiated()) {
      transmission();
    }
    must(!heard.hasRemaining(), heard.remaining() + " bytes nobody asked for");
  }

  private static void must(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }

  private boolean negotiated() {
    if (said.remaining() < 4) {
      return false;
    }
    int flags = said.getInt();
    if ((flags & ~3) != 0) {
      return false;
    }
    for (int i = 0; i < Handshake.MAXIMUM_OPTIONS; i++) {
      if (said.remaining() < 16 || said.getLong() != 0x49484156454f5054L) {
        return false;
      }
      int option = said.getInt();
      int length = said.getInt();
      boolean cut = length < 0 || length > Wire.MAXIMUM_OPTION;
      if (cut || said.remaining() < length || ((flags & 1) == 0 && option != 1)) {
        return false;
      }
      ByteBuffer data = said.slice(said.position(), length);
      said.position(said.position() + length);
      if (option == 1) {
        return exportName(data, (flags & 2) != 0);
      }
      int end = replies(option, data);
      if (option == 2 || (option == 7 && end == 1)) {
        return option == 7;
      }
    }
    return false;
  }

  private boolean exportName(ByteBuffer data, boolean noZeroes) {
    String name = string(data, data.remaining());
    if (name == null || !DEVICES.contains(name)) {
      return false;
    }
    must(heard.remaining() >= (noZeroes ? 10 : 134), "export name unanswered");
    must(heard.getLong() == size, "size");
    heard.getShort();
    for (int i = 0; !noZeroes && i < 124; i++) {
      must(heard.get() == 0, "zeroes");
    }
    export = name;
    return true;
  }

  /** Null where it is none, as the document has it. */
  private static String string(ByteBuffer data, int length) {
    if (length < 0 || length > 4096 || length > data.remaining()) {
      return null;
    }
    byte[] bytes = new byte[length];
    data.get(bytes);
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.indexOf(0) >= 0 ? null : text;
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** Reads all replies to an option; answers the last one's type, which must be the right one. */
  private int replies(int option, ByteBuffer data) {
    int expected = expected(option, data);
    int servers = 0;
    boolean told = false;
    while (true) {
      must(heard.remaining() >= 20, "option " + option + " not answered to its end");
      must(heard.getLong() == 0x0003e889045565a9L, "option reply magic");
      must(heard.getInt() == option, "reply to another option");
      int type = heard.getInt();
      int length = heard.getInt();
      must(length >= 0 && length <= heard.remaining(), "reply of " + length + " bytes");
      ByteBuffer content = heard.slice(heard.position(), length);
      heard.position(heard.position() + length);
      if (type < 0 || type == 1) {
        must(type != 1 || length == 0, "ACK with data");
        must(string(content, length) != null, "text of an error");
        must(type == expected || tooBig(option, type), "option " + option + " answered " + type);
        must(option != 3 || type != 1 || servers == DEVICES.size(), servers + " exports listed");
        must((option != 6 && option != 7) || type != 1 || told, "no size and flags");
        if (option == 10 && type != 1) {
          contexts.clear();
        }
        return type;
      }
      switch (type) {
        case 2 -> {
          must(option == 3 && string(content, content.getInt()) != null, "a server reply");
          servers++;
        }
        case 3 -> {
          must(option == 6 || option == 7, "an info reply");
          told |= content.getShort() == 0 && content.getLong() == size;
        }
        case 4 -> {
          must(option == 9 || option == 10, "a context reply");
          int id = content.getInt();
          must(string(content, content.remaining()) != null, "a context's name");
          must(option == 9 || contexts.add(id), "one id twice");
        }
        default -> must(false, "reply type " + type);
      }
    }
  }

  private static boolean tooBig(int option, int type) {
    return option == 10 && type == Wire.REP_ERR_TOO_BIG;
  }

  private int expected(int option, ByteBuffer data) {
    boolean empty = !data.hasRemaining();
    return switch (option) {
      case 2 -> 1;
      case 3 -> empty ? 1 : Wire.REP_ERR_INVALID;
      case 5 -> empty ? Wire.REP_ERR_POLICY : Wire.REP_ERR_INVALID;
      case 6, 7 -> expectedOfGo(data);
      case 8, 11 -> {
        int wanted = option == 8 ? 1 : 2;
        if (!empty || mode == wanted) {
          yield Wire.REP_ERR_INVALID;
        }
        if (mode == 2) {
          yield Wire.REP_ERR_EXT_HEADER_REQD;
        }
        mode = wanted;
        yield 1;
      }
      case 9, 10 -> expectedOfContexts(option, data);
      default -> Wire.REP_ERR_UNSUP;
    };
  }

  private int expectedOfGo(ByteBuffer data) {
    String name = data.remaining() < 6 ? null : string(data, data.getInt());
    if (name == null || data.remaining() < 2) {
      return Wire.REP_ERR_INVALID;
    }
    if (data.remaining() - 2 != 2 * (data.getShort() & 0xffff)) {
      return Wire.REP_ERR_INVALID;
    }
    export = name;
    return DEVICES.contains(name) ? 1 : Wire.REP_ERR_UNKNOWN;
  }

  private int expectedOfContexts(int option, ByteBuffer data) {
    if (option == 10) {
      contexts.clear();
      contextsOf = null;
    }
    if (mode == 0) {
      return Wire.REP_ERR_INVALID;
    }
    String name = data.remaining() < 8 ? null : string(data, data.getInt());
    if (name == null || data.remaining() < 4) {
      return Wire.REP_ERR_INVALID;
    }
    int count = data.getInt();
    for (int i = 0; i < count || count < 0; i++) {
      if (data.remaining() < 4 || string(data, data.getInt()) == null) {
        return Wire.REP_ERR_INVALID;
      }
    }
    if (data.hasRemaining()) {
      return Wire.REP_ERR_INVALID;
    }
    if (option == 10) {
      contextsOf = name;
    }
    return DEVICES.contains(name) ? 1 : Wire.REP_ERR_UNKNOWN;
  }

  private void transmission() {
    if (!export.equals(contextsOf)) {
      contexts.clear();
    }
    boolean cut = requests();
    if (asked.containsKey(null)) {
      // Two requests with one cookie: nobody can tell their answers apart.
      heard.position(heard.limit());
      return;
    }
    while (heard.hasRemaining()) {
      answer();
    }
    for (Asked each : asked.values()) {
      must(each.done || cut, "unanswered: type " + each.type + " length " + each.length);
      requests++;
    }
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
