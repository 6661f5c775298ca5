// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * What is said on the socket, in both directions:
 *
 * <pre>
 *   0  1  kind
 *   1  4  length of what follows, big-endian, 65,536 at most
 *   5     contents
 *
 *   from the client               from the server
 *   A  a word of the command      O  what was printed
 *   T  TERM, columns, rows        E  what was said of errors
 *   R  run it                     X  exit status, in digits; the last one
 *   I  what was typed
 *   W  columns, rows
 * </pre>
 *
 * @param kind one of the letters
 * @param contents belong to whoever reads them
 */
record Frame(char kind, byte[] contents) {
  static final char WORD = 'A';
  static final char TERMINAL = 'T';
  static final char RUN = 'R';
  static final char TYPED = 'I';
  static final char RESIZED = 'W';
  static final char PRINTED = 'O';
  static final char ERRORS = 'E';
  static final char EXIT = 'X';

  static final int MAXIMUM_LENGTH = 1 << 16;

  static Frame of(char kind, String text) {
    return new Frame(kind, text.getBytes(StandardCharsets.UTF_8));
  }

  String text() {
    return new String(contents, StandardCharsets.UTF_8);
  }

  /** Null at the end of the stream; an end within a frame, or an impossible length, is an error. */
  static Frame read(DataInputStream in) throws IOException {
    int kind = in.read();
    if (kind < 0) {
      return null;
    }
    int length = in.readInt();
    if (length < 0 || length > MAXIMUM_LENGTH) {
      throw new IOException("a frame of " + length + " bytes; allowed are " + MAXIMUM_LENGTH);
    }
    byte[] contents = in.readNBytes(length);
    if (contents.length < length) {
      throw new EOFException("a frame of " + length + " bytes ended after " + contents.length);
    }
    return new Frame((char) kind, contents);
  }

  void write(DataOutputStream out) throws IOException {
    write(out, kind, contents, 0, contents.length);
  }

  static void write(DataOutputStream out, char kind, byte[] from, int offset, int length)
      throws IOException {
    out.writeByte(kind);
    out.writeInt(length);
    out.write(from, offset, length);
    out.flush();
  }
}
