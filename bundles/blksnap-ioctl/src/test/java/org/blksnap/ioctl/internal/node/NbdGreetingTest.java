// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import static org.blksnap.ioctl.internal.node.GreetingServer.all;
import static org.blksnap.ioctl.internal.node.GreetingServer.blocks;
import static org.blksnap.ioctl.internal.node.GreetingServer.export;
import static org.blksnap.ioctl.internal.node.GreetingServer.greeting;
import static org.blksnap.ioctl.internal.node.GreetingServer.reply;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over real sockets. */
class NbdGreetingTest {
  private static final byte[] DONE = reply(NbdGreeting.REPLY_ACK, new byte[0]);

  @TempDir Path directory;

  private NbdGreeting.Terms agree(GreetingServer server, Duration wait) throws Exception {
    NodeCalls calls = LibcNodeCalls.load();
    try (Descriptor socket =
        Descriptor.socket(calls, "server", NodeAbi.AF_UNIX, NodeAbi.SOCK_STREAM, 0)) {
      socket.check("connect", calls.connect(socket.number(), ServerLink.address(server.path)));
      return new NbdGreeting(socket, "disk", Deadline.in(wait)).negotiate();
    }
  }

  private NbdGreeting.Terms agree(byte[] greeting, byte[]... answer) throws Exception {
    try (GreetingServer server =
        new GreetingServer(directory.resolve("s"), greeting, all(answer), true)) {
      return agree(server, Duration.ofSeconds(10));
    } finally {
      java.nio.file.Files.deleteIfExists(directory.resolve("s"));
    }
  }

  private BlksnapException refused(byte[] greeting, byte[]... answer) {
    return assertThrows(BlksnapException.class, () -> agree(greeting, answer));
  }

  @Test
  void theServersTermsAreTaken() throws Exception {
    NbdGreeting.Terms terms = agree(greeting(3), export(1L << 40, 0x16d), blocks(4096), DONE);
    assertEquals(new NbdGreeting.Terms(1L << 40, 0x16d, 4096), terms);
    assertTrue(terms.multiConn());
    assertEquals(false, terms.readOnly());
  }

  @Test
  void theClientSaysWhatTheProtocolAsks() throws Exception {
    try (GreetingServer server =
        new GreetingServer(directory.resolve("s"), greeting(3), all(export(512, 3), DONE), true)) {
      assertTrue(agree(server, Duration.ofSeconds(10)).readOnly());
      byte[] heard = server.heard.get(0);
      assertArrayEquals(new byte[] {0, 0, 0, 3}, Arrays.copyOf(heard, 4));
      byte[] expected =
          ByteBuffer.allocate(28)
              .put("IHAVEOPT".getBytes())
              .putInt(7)
              .putInt(12)
              .putInt(4)
              .put("disk".getBytes())
              .putShort((short) 1)
              .putShort((short) 3)
              .array();
      assertArrayEquals(expected, Arrays.copyOfRange(heard, 4, heard.length));
    }
  }

  @Test
  void aRefusalHasTheServersWords() {
    BlksnapException unknown =
        refused(greeting(3), reply(NbdGreeting.REPLY_UNKNOWN, "No such\nthing".getBytes()));
    assertEquals(Errno.ENOENT, unknown.errno());
    assertTrue(unknown.getMessage().endsWith("no such thing"), unknown.getMessage());
    assertEquals(
        Errno.EACCES, refused(greeting(3), reply(NbdGreeting.REPLY_TLS, new byte[0])).errno());
  }

  @Test
  void whatIsNoServerIsRefused() {
    byte[] other = "SSH-2.0-OpenSSH_9.2 hello".getBytes();
    assertTrue(refused(other).getMessage().contains("does not greet"));
    assertTrue(refused(greeting(0)).getMessage().contains("too old"));
  }

  @Test
  void aServerThatLiesIsRefused() {
    byte[] wrong = reply(NbdGreeting.REPLY_ACK, new byte[0]);
    wrong[0] = 1;
    assertTrue(refused(greeting(3), wrong).getMessage().contains("not asked"));
    assertTrue(refused(greeting(3), DONE).getMessage().contains("without telling the size"));
    byte[] endless = reply(NbdGreeting.REPLY_INFO, new byte[0]);
    ByteBuffer.wrap(endless).putInt(16, Integer.MAX_VALUE);
    assertTrue(refused(greeting(3), endless).getMessage().contains("2147483647 bytes"));
    ByteBuffer.wrap(endless).putInt(16, -1);
    assertTrue(refused(greeting(3), endless).getMessage().contains("4294967295 bytes"));
    byte[][] many = new byte[100][];
    Arrays.fill(many, blocks(512));
    assertTrue(refused(greeting(3), many).getMessage().contains("no end"));
  }

  @Test
  void aServerThatHangsUpIsNoticed() {
    assertTrue(refused(greeting(3), export(512, 1)).getMessage().contains("hung up"));
    assertTrue(refused(Arrays.copyOf(greeting(3), 5)).getMessage().contains("hung up"));
  }

  @Test
  void aServerThatIsSilentEndsTheWait() throws Exception {
    try (GreetingServer server =
        new GreetingServer(directory.resolve("s"), greeting(3), export(512, 1), false)) {
      BlksnapException late =
          assertThrows(BlksnapException.class, () -> agree(server, Duration.ofMillis(200)));
      assertEquals(Errno.ETIMEDOUT, late.errno());
    }
  }
}
