// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import static org.blksnap.ioctl.internal.node.GreetingServer.all;
import static org.blksnap.ioctl.internal.node.GreetingServer.blocks;
import static org.blksnap.ioctl.internal.node.GreetingServer.export;
import static org.blksnap.ioctl.internal.node.GreetingServer.greeting;
import static org.blksnap.ioctl.internal.node.GreetingServer.reply;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.node.ConnectedNode;
import org.blksnap.spi.node.DeadLinks;
import org.blksnap.spi.node.KernelNode;
import org.blksnap.spi.node.NodePlan;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Orders to a kernel of our own; the connections are real ones. */
class LinuxNodeHostTest {
  private static final byte[] TERMS =
      all(export(65536, 1), blocks(1), reply(NbdGreeting.REPLY_ACK, new byte[0]));

  private static final byte[] NODE_3 =
      NetlinkGoldenTest.bytes("1c000000 1f00 0000 00000000 00000000 01 01 0000 0800 0100 03000000");

  @TempDir Path directory;
  private FakeKernel kernel;
  private LinuxNodeHost host;
  private GreetingServer server;

  @BeforeEach
  void begin() throws Exception {
    kernel = new FakeKernel(LibcNodeCalls.load());
    capabilities("000001ffffffffff");
    put("proc/limits", "Max locked memory  8192  8192  bytes");
    host = new LinuxNodeHost(kernel, directory.resolve("block"), directory.resolve("proc"));
    server = new GreetingServer(directory.resolve("s"), greeting(3), TERMS, false);
    kernel.answers.put(NbdFamily.CONNECT, new FakeKernel.Answer(0, "", NODE_3));
    kernel.effects.put(NbdFamily.CONNECT, () -> appear(3, "label"));
    kernel.effects.put(NbdFamily.DISCONNECT, () -> vanish(3));
  }

  @AfterEach
  void nothingIsLeftOpen() throws Exception {
    server.close();
    assertEquals(Set.of(), kernel.open);
  }

  private void put(String file, String text) {
    try {
      Path path = directory.resolve(file);
      Files.createDirectories(path.getParent());
      Files.writeString(path, text + "\n");
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private void capabilities(String mask) {
    put("proc/status", "Name:\tjava\nCapEff:\t" + mask);
  }

  private void appear(int index, String label) {
    put("block/nbd" + index + "/pid", "4711");
    put("block/nbd" + index + "/backend", label);
    put("block/nbd" + index + "/size", "128");
    put("block/nbd" + index + "/ro", "0");
    put("block/nbd" + index + "/queue/io_timeout", "30000");
  }

  private void vanish(int index) {
    for (String file : List.of("pid", "backend")) {
      try {
        Files.deleteIfExists(directory.resolve("block/nbd" + index).resolve(file));
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
  }

  private NodePlan plan(long size, int connections) {
    Duration repeat = connections > 1 ? Duration.ofSeconds(300) : Duration.ZERO;
    return new NodePlan(
        server.path, "disk", "label", size, connections, repeat, Duration.ofSeconds(60));
  }

  private static BlksnapException refused(Errno errno, Executable call) {
    BlksnapException refused = assertThrows(BlksnapException.class, call);
    assertEquals(errno, refused.errno(), refused.getMessage());
    return refused;
  }

  @Test
  void aNodeIsConnectedAndWatchedClosely() throws Exception {
    assertEquals(
        new ConnectedNode(3, 65536, 512, false), host.connect(OptionalInt.empty(), plan(-1, 1)));
    assertEquals("5000", Files.readString(directory.resolve("block/nbd3/queue/io_timeout")));
  }

  @Test
  void withoutTheModuleItSaysModprobe() {
    kernel.module = false;
    for (Executable call :
        List.<Executable>of(
            host::require,
            host::nodes,
            host::deadLinks,
            () -> host.connect(OptionalInt.empty(), plan(-1, 1)))) {
      assertTrue(refused(Errno.ENODEV, call).getMessage().contains("modprobe nbd"));
    }
  }

  @Test
  void withoutTheRightNothingIsConnected() {
    capabilities("0000000000000000");
    refused(Errno.EPERM, () -> host.connect(OptionalInt.empty(), plan(-1, 1)));
    assertEquals(List.of(), kernel.orders);
  }

  @Test
  void theKernelsRefusalIsToldInItsWords() {
    kernel.answers.put(NbdFamily.CONNECT, new FakeKernel.Answer(16, "somebody is there", null));
    String said =
        refused(Errno.EBUSY, () -> host.connect(OptionalInt.of(3), plan(-1, 1))).getMessage();
    assertTrue(said.contains("/dev/nbd3") && said.contains("somebody is there"), said);
  }

  @Test
  void aKernelThatKeepsNoLabelIsRefusedAndTheNodeGoesAgain() {
    kernel.effects.put(NbdFamily.CONNECT, () -> appear(3, ""));
    refused(Errno.EOPNOTSUPP, () -> host.connect(OptionalInt.empty(), plan(-1, 1)));
    assertEquals(List.of(NbdFamily.CONNECT, NbdFamily.DISCONNECT), kernel.orders);
  }

  @Test
  void severalConnectionsNeedAServerThatSaysSo() throws Exception {
    refused(Errno.EINVAL, () -> host.connect(OptionalInt.empty(), plan(-1, 2)));
    server.close();
    Files.delete(server.path);
    byte[] shared = all(export(65536, 0x101), blocks(1), reply(NbdGreeting.REPLY_ACK, new byte[0]));
    server = new GreetingServer(directory.resolve("s"), greeting(3), shared, false);
    host.connect(OptionalInt.empty(), plan(-1, 4));
    assertEquals(
        "30000", Files.readString(directory.resolve("block/nbd3/queue/io_timeout")).strip());
  }

  @Test
  void nobodyAtTheSocketIsSaid() throws Exception {
    server.close();
    refused(Errno.ESHUTDOWN, () -> host.connect(OptionalInt.empty(), plan(-1, 1)));
    Files.delete(server.path);
    refused(Errno.ESHUTDOWN, () -> host.connect(OptionalInt.empty(), plan(-1, 1)));
  }

  @Test
  void aSmallerExportIsNotGivenToANode() {
    appear(3, "label");
    refused(Errno.ERANGE, () -> host.reconnect(3, plan(65537, 1)));
    assertEquals(List.of(), kernel.orders);
  }

  @Test
  void aNodeIsReconnectedUnderItsOwnLabelAlone() throws Exception {
    refused(Errno.EINVAL, () -> host.reconnect(3, plan(-1, 1)));
    appear(3, "another");
    refused(Errno.EINVAL, () -> host.reconnect(3, plan(-1, 1)));
    appear(3, "label");
    assertEquals(65536, host.reconnect(3, plan(65536, 1)).size());
    assertEquals(List.of(NbdFamily.RECONFIGURE), kernel.orders);
  }

  @Test
  void aNodeInUseStays() {
    appear(3, "label");
    kernel.openAnswer = -Errno.EBUSY.code();
    String said = refused(Errno.EBUSY, () -> host.disconnect(3, false)).getMessage();
    assertTrue(said.contains("umount"), said);
    assertEquals(List.of(), kernel.orders);
  }

  @Test
  void aNodeInUseGoesByForce() throws Exception {
    appear(3, "label");
    kernel.openAnswer = -Errno.EBUSY.code();
    host.disconnect(3, true);
    host.disconnect(3, false);
    assertEquals(List.of(NbdFamily.DISCONNECT), kernel.orders);
  }

  @Test
  void aNodeThatSomebodyKeepsOpenIsSaid() {
    appear(3, "label");
    kernel.openAnswer = 0;
    kernel.effects.remove(NbdFamily.DISCONNECT);
    refused(Errno.EBUSY, () -> host.disconnect(3, false));
  }

  @Test
  void nodesAreShownAsTheKernelHasThem() throws Exception {
    byte[] two =
        NetlinkGoldenTest.bytes(
            "48000000 1f00 0000 07000000 00000000 05 01 0000 3400 0980",
            "1800 0180 0800 0100 03000000 0500 0200 01 000000 0000 0000",
            "1800 0180 0800 0100 01000000 0500 0200 00 000000 0000 0000");
    kernel.answers.put(NbdFamily.STATUS, new FakeKernel.Answer(0, "", two));
    appear(3, "label");
    assertEquals(
        List.of(
            new KernelNode(1, false, "", 0, false), new KernelNode(3, true, "label", 65536, false)),
        host.nodes());
  }

  @Test
  void connectionsThatDieAreHeardOf() throws Exception {
    try (DeadLinks news = host.deadLinks()) {
      assertEquals(Set.of(), news.await(Duration.ofMillis(20)));
      for (String index : List.of("03", "07", "03")) {
        kernel.news.add(
            NetlinkGoldenTest.bytes(
                "1c000000 1f00 0000 00000000 00000000 04 01 0000 0800 0100 " + index + "000000"));
      }
      assertEquals(Set.of(3, 7), news.await(Duration.ofSeconds(1)));
      kernel.receiveFailure = -NodeAbi.ENOBUFS;
      refused(Errno.ENODATA, () -> news.await(Duration.ofSeconds(1)));
      news.close();
      refused(Errno.EBADF, () -> news.await(Duration.ofSeconds(1)));
    }
  }

  @Test
  void memoryIsLockedOnlyWhereThatHarmsNothing() throws Exception {
    capabilities("0000000000000000");
    refused(Errno.EPERM, host::lockMemory);
    assertEquals(0, kernel.locks);
    put("proc/limits", "Max locked memory         unlimited            unlimited            bytes");
    host.lockMemory();
    assertEquals(1, kernel.locks);
  }
}
