// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ChannelStreamsTest {
  @TempDir Path directory;

  @Test
  void whatAnInterruptedThreadWritesArrives() throws Exception {
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("socket"));
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address);
      try (SocketChannel ours = SocketChannel.open(address);
          SocketChannel its = server.accept()) {
        Thread.currentThread().interrupt();
        ChannelStreams.out(ours).write(7);
        assertTrue(Thread.interrupted(), "the interrupt was lost");
        assertTrue(ours.isOpen());
        assertEquals(7, ChannelStreams.in(its).read());
      }
    }
  }
}
