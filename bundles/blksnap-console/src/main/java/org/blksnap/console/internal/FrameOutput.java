// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** One of the two streams of a command; both share the socket, whose monitor keeps frames whole. */
final class FrameOutput extends OutputStream {
  private final DataOutputStream socket;
  private final char kind;

  FrameOutput(DataOutputStream socket, char kind) {
    this.socket = socket;
    this.kind = kind;
  }

  @Override
  public void write(int single) throws IOException {
    write(new byte[] {(byte) single}, 0, 1);
  }

  @Override
  public void write(byte[] from, int offset, int length) throws IOException {
    for (int done = 0; done < length; ) {
      int now = Math.min(length - done, Frame.MAXIMUM_LENGTH);
      synchronized (socket) {
        Frame.write(socket, kind, from, offset + done, now);
      }
      done += now;
    }
  }
}
