// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.contract.LoopDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A process is killed by signal 9 while it writes to a device under a held snapshot. What its
 * guardian saw decides whether the next engine goes on with map and image.
 */
@Timeout(120)
class KilledProcessTest {
  private static final long SEED = Long.getLong("seed", System.nanoTime());
  private static final int SIZE = 16 << 20;
  private static final int LINES = 6;

  /** Lies where the killed process never writes. */
  private static final int FOREIGN = SIZE - (1 << 20);

  @TempDir Path directory;
  private Path root;
  private Path file;
  private byte[] old;
  private LoopDevice loop;
  private Process child;
  private EngineSubject subject;
  private UUID generation;
  private int number;
  private UUID snapshot;

  @BeforeEach
  void makeFile() throws IOException {
    System.out.println("killed process: -Dseed=" + SEED);
    root = directory.resolve("engine");
    file = directory.resolve("dev 'ö'");
    old = new byte[SIZE];
    new Random(SEED).nextBytes(old);
    Files.write(file, old);
  }

  @AfterEach
  void end() throws Exception {
    if (subject != null) {
      subject.close();
    }
    if (child != null) {
      child.destroyForcibly().waitFor();
    }
    if (loop != null) {
      loop.close();
    }
  }

  private Path device(boolean onLoop) throws Exception {
    if (onLoop) {
      loop = new LoopDevice(file);
    }
    return onLoop ? loop.device : file;
  }

  private void killed(boolean onLoop, boolean guardianToo) throws Exception {
    child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Dsun.jnu.encoding=" + System.getProperty("sun.jnu.encoding"),
                "-cp",
                System.getProperty("java.class.path"),
                KilledEngine.class.getName(),
                root.toString(),
                device(onLoop).toString(),
                Long.toString(SEED))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader told =
        new BufferedReader(
            new InputStreamReader(child.getInputStream(), StandardCharsets.US_ASCII))) {
      String[] words = told.readLine().split(" ");
      generation = UUID.fromString(words[0]);
      number = Integer.parseInt(words[1]);
      snapshot = UUID.fromString(words[2]);
      for (int line = 0; line < LINES; line++) {
        assertNotNull(told.readLine(), "the child ended by itself");
      }
      long guardian = guardianOf(child);
      if (guardianToo) {
        signal("STOP", child.pid()); // it would make another one
        signal("KILL", guardian);
      }
      signal("KILL", child.pid());
      child.waitFor();
      while (ProcessHandle.of(guardian).map(ProcessHandle::isAlive).orElse(false)) {
        Thread.sleep(5);
      }
    }
  }

  private static long guardianOf(Process child) {
    return child.children().findFirst().orElseThrow().pid();
  }

  private static void signal(String signal, long pid) throws Exception {
    assertEquals(0, new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor());
  }

  private AttachedDevice restarted() throws Exception {
    subject = new EngineSubject(root);
    return subject.service().device("dev").orElseThrow();
  }

  private SnapshotImage image() throws IOException {
    return subject.service().snapshot(snapshot).images().get(0);
  }

  private void assertBegan(AttachedDevice device, GenerationReason reason) throws IOException {
    CbtInfo info = device.changes().info();
    assertNotEquals(generation, info.generationId());
    assertEquals(reason, info.reason(), info.reasonDetail());
    assertEquals(Errno.EIO, image().error());
    String detail = subject.service().snapshot(snapshot).info().get(0).detail();
    assertTrue(detail.contains(reason.text()), detail);
  }

  /** Puts the time of the content back, as restoring programs do. */
  private void writeToFile() throws IOException {
    FileTime modified = Files.getLastModifiedTime(file);
    write(file, FOREIGN);
    Files.setLastModifiedTime(file, modified);
  }

  private static void write(Path device, long offset) throws IOException {
    try (var channel = java.nio.channels.FileChannel.open(device, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap("somebody else's".repeat(300).getBytes("US-ASCII")), offset);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whereNobodyWroteMapAndImageGoOn(boolean onLoop) throws Exception {
    killed(onLoop, false);
    AttachedDevice device = restarted();
    CbtInfo info = device.changes().info();
    assertEquals(generation, info.generationId(), info.reasonDetail());
    assertEquals(Errno.OK, image().error());
    ByteBuffer content = ByteBuffer.allocate(SIZE);
    image().read(content, 0);
    assertArrayEquals(old, content.array());
    subject.service().destroy(snapshot);
    var next = subject.service().create();
    next.addDevice("dev");
    next.appendStorageDirectory(root.resolve("diff"), 64 << 20);
    next.take();
    ChangeSet changes = device.changes().changedSince(new ChangePoint(generation, number));
    ByteBuffer now = ByteBuffer.allocate(SIZE);
    device.read(now, 0);
    for (int at = 0; at < SIZE; at++) {
      if (now.get(at) != old[at]) {
        int differs = at;
        assertTrue(
            changes.extents(0, Integer.MAX_VALUE).stream()
                .anyMatch(r -> r.offset() <= differs && differs < r.end()),
            () -> "byte " + differs + " differs and is not named");
        at |= KilledEngine.BLOCK - 1;
      }
    }
    assertTrue(changes.bytes() <= KilledEngine.BLOCKS * KilledEngine.BLOCK, "clean blocks named");
  }

  @Test
  void aForeignWriteToTheFileWithItsTimePutBackIsNoticed() throws Exception {
    killed(false, false);
    writeToFile();
    assertBegan(restarted(), GenerationReason.CHANGED_WHILE_DETACHED);
  }

  /** Buffered, and the node is kept open, so that no close writes it back. */
  @Test
  void aForeignWriteToTheLoopDeviceStillInMemoryIsNoticed() throws Exception {
    killed(true, false);
    try (var channel = java.nio.channels.FileChannel.open(loop.device, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[4096]), FOREIGN);
      assertBegan(restarted(), GenerationReason.CHANGED_WHILE_DETACHED);
    }
  }

  @Test
  void aForeignWriteToTheFileBehindTheLoopDeviceIsNoticed() throws Exception {
    killed(true, false);
    writeToFile();
    assertBegan(restarted(), GenerationReason.CHANGED_WHILE_DETACHED);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whereTheGuardianWasKilledAsWellNothingIsBelieved(boolean onLoop) throws Exception {
    killed(onLoop, true);
    assertBegan(restarted(), GenerationReason.UNPROVEN);
  }

  @Test
  void theFactsOfOneDeathAreNoneOfTheNext() throws Exception {
    killed(false, false);
    Path state = root.resolve("state");
    try (Stream<Path> files = Files.list(state)) {
      assertEquals(1, files.filter(f -> f.getFileName().toString().startsWith("facts-")).count());
    }
    assertEquals(generation, restarted().changes().info().generationId());
    try (Stream<Path> files = Files.list(state)) {
      assertEquals(0, files.filter(f -> f.getFileName().toString().startsWith("facts-")).count());
    }
  }
}
