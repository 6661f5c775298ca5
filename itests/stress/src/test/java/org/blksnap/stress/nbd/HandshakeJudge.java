// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.blksnap.nbd.internal.protocol.OptionReader;
import org.blksnap.nbd.internal.protocol.Wire;

/** Judges the greeting and the answers to options of one client; knows then what was agreed. */
final class HandshakeJudge {
  private static final Set<String> DEVICES = Set.of("disk", "ro");

  private final int size;
  private final ByteBuffer said;
  private final ByteBuffer heard;
  private int mode;
  private String contextsOf;
  private final Set<Integer> contexts = new HashSet<>();
  private String export;

  HandshakeJudge(int size, ByteBuffer said, ByteBuffer heard) {
    this.size = size;
    this.said = said;
    this.heard = heard;
  }

  /** 0 for simple replies, 1 for structured ones, 2 for extended headers. */
  int mode() {
    return mode;
  }

  String export() {
    return export;
  }

  /** Ids of the contexts that were selected for this export. */
  Set<Integer> contexts() {
    return export.equals(contextsOf) ? contexts : Set.of();
  }

  /** True where the client entered the transmission phase. */
  boolean judge() {
    must(heard.remaining() >= 18, "no whole greeting");
    must(heard.getLong() == 0x4e42444d41474943L, "greeting");
    must(heard.getLong() == 0x49484156454f5054L, "greeting");
    must(heard.getShort() == 3, "handshake flags");
    return negotiated();
  }

  static void must(boolean condition, String otherwise) {
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
    for (int i = 0; i < OptionReader.MAXIMUM_OPTIONS; i++) {
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
  static String string(ByteBuffer data, int length) {
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
}
