// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server in a JVM with little memory, that ends where memory runs out, as the shipped one. */
@Timeout(120)
class SmallMemoryTest {
  private static final int SIZE = 40 << 20;
  private static final int HOSTILE = 24;

  @TempDir Path directory;

  @Test
  void limitIsWhatTheJvmWasToldElseItsHeaps() {
    assertEquals(16 << 20, DirectMemory.limit(List.of("-XX:MaxDirectMemorySize=16m"), 5));
    assertEquals(1L << 31, DirectMemory.limit(List.of("-XX:MaxDirectMemorySize=2G"), 5));
    assertEquals(
        4096,
        DirectMemory.limit(
            List.of("-XX:MaxDirectMemorySize=2G", "-ea", "-XX:MaxDirectMemorySize=4096"), 5));
    assertEquals(5, DirectMemory.limit(List.of("-Xmx1g", "-XX:MaxDirectMemorySize=0"), 5));
    assertEquals(5, DirectMemory.limit(List.of("-XX:MaxDirectMemorySize=lots"), 5));
  }

  @Test
  void greedyClientsEndNeitherTheJvmNorAnybodyElsesConnection() throws Exception {
    Path file = directory.resolve("disk");
    byte[] content = new byte[SIZE];
    new Random(3).nextBytes(content);
    Files.write(file, content);
    Path socket = directory.resolve("s/nbd.sock");
    Process server =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx40m",
                "-XX:MaxDirectMemorySize=20m",
                "-XX:+ExitOnOutOfMemoryError",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                "org.blksnap.nbd.internal.NbdTestServer",
                file.toString(),
                socket.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    List<RawClient> hostile = new ArrayList<>();
    try (BufferedReader said = new BufferedReader(new InputStreamReader(server.getInputStream()))) {
      assertEquals("ready", said.readLine());
      try (RawClient good = new RawClient(socket).enter("disk", Mode.SIMPLE)) {
        for (int i = 0; i < HOSTILE; i++) {
          besiege(socket, i, hostile);
        }
        for (int i = 0; i < 20; i++) {
          byte[] data = new byte[1 << 20];
          Arrays.fill(data, (byte) i);
          assertEquals(0, good.write(Mode.SIMPLE, Wire.CMD_FLAG_FUA, i << 20, data));
          assertArrayEquals(data, good.read(Mode.SIMPLE, i << 20, 1 << 20));
        }
        assertArrayEquals(
            Arrays.copyOfRange(content, 30 << 20, SIZE),
            good.read(Mode.SIMPLE, 30 << 20, SIZE - (30 << 20)));
      }
      assertTrue(server.isAlive());
      server.getOutputStream().close();
      for (RawClient client : hostile) {
        client.close();
      }
      assertEquals(0, server.waitFor());
    } finally {
      server.destroyForcibly();
    }
  }

  /** Long reads that are never taken, of every kind; a client that is not let in is as good. */
  private static void besiege(Path socket, int number, List<RawClient> hostile) {
    Mode mode = Mode.values()[number % Mode.values().length];
    try {
      RawClient client = new RawClient(socket);
      hostile.add(client);
      if (mode == Mode.SIMPLE) {
        client.enter("disk", mode);
      } else {
        client.enter("disk", mode, "base:allocation", "qemu:dirty-bitmap:since-0");
      }
      for (int k = 0; k < 40; k++) {
        int df = mode == Mode.SIMPLE ? 0 : Wire.CMD_FLAG_DF;
        client.request(mode, df, Wire.CMD_READ, k, 0, 32 << 20);
        if (mode != Mode.SIMPLE) {
          client.request(mode, 0, Wire.CMD_BLOCK_STATUS, k, 0, SIZE);
        }
        client.request(mode, 0, Wire.CMD_FLUSH, k, 0, 0);
      }
    } catch (IOException e) {
      // Refused, which is right where there is no room.
    }
  }
}
