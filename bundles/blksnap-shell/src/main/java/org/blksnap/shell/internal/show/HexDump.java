// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import org.blksnap.api.change.ChangeMap;

/** Map bytes for people: sixteen a line after the first one's index; equal lines become a star. */
public final class HexDump {
  private static final int LINE = 16;
  private static final int PORTION = 64 * 1024;

  private HexDump() {}

  public static void print(ChangeMap map, PrintStream out) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(PORTION);
    byte[] before = null;
    boolean starred = false;
    long index = 0;
    while (map.read(index, buffer.clear()) > 0) {
      buffer.flip();
      while (buffer.hasRemaining()) {
        byte[] line = new byte[Math.min(LINE, buffer.remaining())];
        buffer.get(line);
        if (!Arrays.equals(line, before)) {
          out.println(text(index, line));
          starred = false;
        } else if (!starred) {
          out.println("*");
          starred = true;
        }
        before = line;
        index += line.length;
      }
    }
    out.println(String.format(Locale.ROOT, "%08x", index));
  }

  private static String text(long index, byte[] line) {
    StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%08x ", index));
    for (byte b : line) {
      text.append(String.format(Locale.ROOT, " %02x", b));
    }
    return text.toString();
  }
}
