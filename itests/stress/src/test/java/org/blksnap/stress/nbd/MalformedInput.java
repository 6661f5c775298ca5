// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.session.BufferPool;
import org.blksnap.nbd.internal.session.Transmission;

/**
 * What bad clients say, out of a seed: noise, wrong options, wrong requests, right ones damaged.
 */
final class MalformedInput {
  private static final int[] OPTIONS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, -1};
  private static final String[] EXPORTS = {"disk", "disk", "disk", "ro", "", "nobody", "d\0sk"};
  private static final String[] CONTEXTS = {
    "base:allocation",
    "qemu:dirty-bitmap:blksnap",
    "qemu:dirty-bitmap:since-0",
    "qemu:dirty-bitmap:since-256",
    "blksnap:changed:00000000-0000-0007-0000-000000000009:1",
    "blksnap:changed:00000000-0000-0001-0000-000000000009:1",
    "blksnap:changed::1",
    "base:",
    "qemu:",
    "",
    ":"
  };
  private static final int LARGEST = 3 << 20;

  private final Random random;
  private final int size;
  private final int maximumRequest;
  private final ByteBuffer to = ByteBuffer.allocate(LARGEST);

  MalformedInput(Random random, int size, int maximumRequest) {
    this.random = random;
    this.size = size;
    this.maximumRequest = maximumRequest;
  }

  byte[] next() {
    to.clear();
    switch (random.nextInt(8)) {
      case 0 -> noise();
      case 1, 2 -> options();
      default -> session();
    }
    byte[] bytes = Arrays.copyOf(to.array(), to.position());
    return switch (random.nextInt(4)) {
      case 0 -> bytes;
      case 1 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
      default -> damaged(bytes);
    };
  }

  private boolean one(int in) {
    return random.nextInt(in) == 0;
  }

  private int any(int... of) {
    return of[random.nextInt(of.length)];
  }

  private String any(String... of) {
    return of[random.nextInt(of.length)];
  }

  private void noise() {
    byte[] noise = new byte[random.nextInt(300)];
    random.nextBytes(noise);
    to.put(noise);
  }

  /** Flips, copies, cuts out and doubles a few bytes. */
  private byte[] damaged(byte[] bytes) {
    byte[] result = bytes;
    for (int i = any(0, 1, 1, 2, 5); i > 0 && result.length > 0; i--) {
      int at = random.nextInt(result.length);
      int length = Math.min(result.length - at, 1 + random.nextInt(any(1, 4, 40)));
      switch (random.nextInt(5)) {
        case 0 -> result[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> result[at] = (byte) random.nextInt();
        case 2 -> Arrays.fill(result, at, at + length, (byte) any(0, 0, 0xff, 0x7f, 0x80));
        case 3 -> {
          byte[] shorter = Arrays.copyOf(result, result.length - length);
          System.arraycopy(result, at + length, shorter, at, result.length - at - length);
          result = shorter;
        }
        default -> {
          byte[] longer = Arrays.copyOf(result, result.length + length);
          System.arraycopy(result, at, longer, at + length, result.length - at);
          result = longer;
        }
      }
    }
    return result;
  }

  private void options() {
    to.putInt(one(10) ? random.nextInt() : any(3, 3, 3, 1, 0));
    for (int i = random.nextInt(8); i >= 0; i--) {
      option();
    }
  }

  private void option() {
    int option = OPTIONS[random.nextInt(OPTIONS.length)];
    to.putLong(Wire.IHAVEOPT).putInt(option).putInt(0);
    int begin = to.position();
    switch (option) {
      case Wire.OPT_EXPORT_NAME -> to.put(any(EXPORTS).getBytes(StandardCharsets.UTF_8));
      case Wire.OPT_INFO, Wire.OPT_GO -> go(any(EXPORTS));
      case Wire.OPT_LIST_META_CONTEXT, Wire.OPT_SET_META_CONTEXT -> contexts(any(EXPORTS));
      default -> {
        if (one(4)) {
          noise();
        }
      }
    }
    to.putInt(begin - 4, to.position() - begin + (one(12) ? any(-1, 1, 7, 1 << 20, -9999) : 0));
  }

  private void go(String name) {
    string(name);
    int wanted = any(0, 0, 1, 3, 40);
    to.putShort((short) (one(12) ? random.nextInt() : wanted));
    for (int i = 0; i < wanted; i++) {
      to.putShort((short) any(0, 1, 2, 3, 4, 999));
    }
  }

  private void contexts(String name) {
    string(name);
    int wanted = any(0, 1, 2, 3, 20);
    to.putInt(one(12) ? random.nextInt() : wanted);
    for (int i = 0; i < wanted; i++) {
      string(any(CONTEXTS));
    }
  }

  private void string(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    to.putInt(bytes.length + (one(40) ? any(-1, 1, 5000, Integer.MIN_VALUE) : 0)).put(bytes);
  }

  /** A handshake that succeeds, in any mode and with any contexts, and requests of any kind. */
  private void session() {
    to.putInt(any(3, 3, 1));
    boolean extended = one(3);
    boolean simple = !extended && one(4);
    if (!simple) {
      to.putLong(Wire.IHAVEOPT).putInt(extended ? 11 : 8).putInt(0);
    }
    String name = any("disk", "disk", "disk", "ro");
    if (!simple && one(2)) {
      to.putLong(Wire.IHAVEOPT).putInt(Wire.OPT_SET_META_CONTEXT).putInt(0);
      int begin = to.position();
      string(name);
      int count = any(1, 1, 2, 3);
      to.putInt(count);
      for (int i = 0; i < count; i++) {
        string(CONTEXTS[(i + random.nextInt(3)) % 5]);
      }
      to.putInt(begin - 4, to.position() - begin);
    }
    if (one(10)) {
      option();
    }
    to.putLong(Wire.IHAVEOPT).putInt(Wire.OPT_GO).putInt(0);
    int begin = to.position();
    string(name);
    to.putShort((short) 0);
    to.putInt(begin - 4, to.position() - begin);
    // Requests that may take long get threads of their own, and those are what takes time here.
    boolean calm = !one(16);
    for (int i = any(0, 1, 3, 10, 40); i >= 0; i--) {
      request(extended, calm && i > 0);
    }
  }

  private void request(boolean extended, boolean calm) {
    int type = calm ? any(0, 0, 1, 1, 1, 8) : any(0, 1, 1, 3, 4, 5, 6, 7, 7, 8);
    if (one(20)) {
      type = random.nextInt(65536);
    }
    if (one(60)) {
      type = Wire.CMD_DISC;
    }
    // Wrong ones of the others are answered at once.
    int wrong = calm && one(3) ? any(3, 4, 5, 6, 7) : -1;
    if (wrong >= 0) {
      type = wrong;
    }
    int flags =
        wrong >= 0
            ? 1 << 6 + random.nextInt(9)
            : one(3) ? 1 << random.nextInt(8) : one(20) ? random.nextInt(65536) : 0;
    if (extended && type == Wire.CMD_WRITE && !one(10)) {
      flags |= Wire.CMD_FLAG_PAYLOAD_LEN;
    }
    long length = length(type, extended);
    boolean payload =
        type == Wire.CMD_WRITE || (extended && (flags & Wire.CMD_FLAG_PAYLOAD_LEN) != 0);
    if (payload && length >= 0 && length > to.remaining() - 4096) {
      length = random.nextInt(100);
    }
    to.putInt(
        one(200) ? random.nextInt() : extended ? Wire.EXTENDED_REQUEST_MAGIC : Wire.REQUEST_MAGIC);
    to.putShort((short) flags).putShort((short) type).putLong(random.nextLong());
    to.putLong(offset(type));
    if (extended) {
      to.putLong(length);
    } else {
      to.putInt((int) length);
    }
    if (payload && length >= 0 && length <= to.remaining() - 4096) {
      payload(type, (int) length);
    }
  }

  private void payload(int type, int length) {
    int begin = to.position();
    // What the last client said must not be found here: a seed says the same each time.
    Arrays.fill(to.array(), begin, begin + length, (byte) 0);
    if (type == Wire.CMD_BLOCK_STATUS && length >= 8) {
      to.putLong(any(4096, 1, 0, size, size + 1, -1));
      while (to.position() - begin + 4 <= length) {
        to.putInt(any(1, 2, 3, 4, 0, -1));
      }
    }
    to.position(begin + length);
  }

  private long offset(int type) {
    if (type == Wire.CMD_FLUSH && !one(4)) {
      return 0;
    }
    return switch (random.nextInt(12)) {
      case 0 -> random.nextLong();
      case 1 -> size - 1L;
      case 2 -> size;
      case 3 -> Long.MAX_VALUE;
      case 4 -> -1;
      default -> random.nextInt(size);
    };
  }

  private long length(int type, boolean extended) {
    if (type == Wire.CMD_FLUSH && !one(4)) {
      return 0;
    }
    if (type == Wire.CMD_BLOCK_STATUS && extended && one(2)) {
      return any(0, 7, 8, 11, 12, 16, 20, 24, 64);
    }
    if (type == Wire.CMD_WRITE) {
      if (one(400)) {
        return any(
            maximumRequest,
            maximumRequest + 1,
            2 * maximumRequest,
            2 * maximumRequest + 1,
            BufferPool.LARGEST_STANDING,
            BufferPool.LARGEST_STANDING - 28,
            Transmission.PIECE_BYTES);
      }
      return one(60) ? random.nextLong() : any(0, 1, 17, 512, 2000);
    }
    return switch (random.nextInt(14)) {
      case 0 -> random.nextLong();
      case 1 -> 0;
      case 2 -> maximumRequest + 1L;
      case 3 -> 0xffff_ffffL;
      case 4 -> one(20) ? size : 70_000;
      default -> random.nextInt(2000);
    };
  }
}
