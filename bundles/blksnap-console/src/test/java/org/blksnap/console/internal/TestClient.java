// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/** What a client says and hears, frame by frame. */
final class TestClient {
  private TestClient() {}

  record Answer(String printed, String errors, String status) {}

  static Answer answer(SocketChannel client) throws IOException {
    DataInputStream in = new DataInputStream(ChannelStreams.in(client));
    StringBuilder printed = new StringBuilder();
    StringBuilder errors = new StringBuilder();
    String status = null;
    for (Frame frame = Frame.read(in); frame != null; frame = Frame.read(in)) {
      switch (frame.kind()) {
        case Frame.PRINTED -> printed.append(frame.text());
        case Frame.ERRORS -> errors.append(frame.text());
        default -> status = frame.text();
      }
    }
    return new Answer(printed.toString(), errors.toString(), status);
  }

  static SocketChannel asked(Path socket, String... words) throws IOException {
    SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    DataOutputStream out = new DataOutputStream(ChannelStreams.out(client));
    for (String word : words) {
      Frame.of(Frame.WORD, word).write(out);
    }
    Frame.of(Frame.RUN, "").write(out);
    return client;
  }
}
