// SPDX-License-Identifier: Apache-2.0
package org.blksnap.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.testkit.engine.TestEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class IncrementalCopyTest {
  private static final int SIZE = 8 << 20;

  @TempDir Path directory;

  private TestEngine engine;
  private Path target;

  @BeforeEach
  void start() throws IOException {
    engine = TestEngine.in(directory.resolve("engine"));
    target = directory.resolve("copy.img");
    disk();
  }

  @AfterEach
  void stop() {
    engine.close();
  }

  private AttachedDevice disk() throws IOException {
    return engine.disk("disk", SIZE);
  }

  private String copy() throws IOException {
    return new IncrementalCopy(engine.service()).copy(engine.file("disk").toString(), "" + target);
  }

  private void write(long offset, byte[] bytes) throws IOException {
    disk().write(ByteBuffer.wrap(bytes), offset);
  }

  private static Path point(Path target) {
    return target.resolveSibling(target.getFileName() + ".point");
  }

  private void assertRestores() throws IOException {
    disk().flush();
    assertEquals(-1, Files.mismatch(engine.file("disk"), target));
    assertEquals(List.of(), engine.service().snapshots());
  }

  @Test
  void theFirstCopyIsOfAllAndTheNextOfWhatChanged() throws Exception {
    write(0, new byte[] {1});
    String first = copy();
    assertTrue(first.startsWith("all (no earlier point was given): " + SIZE + " bytes"), first);
    assertRestores();
    write(SIZE - 1, new byte[] {2});
    String second = copy();
    assertTrue(second.startsWith("what changed: 65536 bytes"), second);
    assertRestores();
    assertTrue(copy().startsWith("what changed: 0 bytes"));
  }

  @Test
  void everyIncrementRestoresToTheByte() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("IncrementalCopyTest: -Dseed=" + seed);
    Random random = new Random(seed);
    for (int increment = 0; increment < 12; increment++) {
      for (int i = random.nextInt(6); i > 0; i--) {
        byte[] bytes = new byte[1 + random.nextInt(200_000)];
        random.nextBytes(bytes);
        write(random.nextInt(SIZE - bytes.length), bytes);
      }
      copy();
      assertRestores();
    }
  }

  @Test
  void aBrokenCopyLeavesNoPointAndTheNextIsOfAll() throws Exception {
    copy();
    write(0, new byte[2 << 20]);
    IncrementalCopy broken = new IncrementalCopy(Breaking.after(1 << 20, engine.service()));
    BlksnapException failure =
        assertThrows(
            BlksnapException.class,
            () -> broken.copy(engine.file("disk").toString(), target.toString()));
    assertEquals(Errno.ECANCELED, failure.errno());
    assertFalse(Files.exists(point(target)));
    assertTrue(copy().startsWith("all "));
    assertRestores();
  }

  @Test
  void theSnapshotOfAKilledCopyIsCleanedAway() throws Exception {
    copy();
    String owner = IncrementalCopy.class.getPackageName();
    engine.service().take(SnapshotRequest.of("disk").ownedBy(owner)).keep();
    engine.restart();
    copy();
    assertRestores();
  }

  @Test
  void anothersSnapshotIsLeftAlone() throws Exception {
    engine.service().take(SnapshotRequest.of("disk").ownedBy("org.other")).keep();
    assertEquals(Errno.EBUSY, assertThrows(BlksnapException.class, this::copy).errno());
    assertEquals(1, engine.service().snapshots().size());
    assertFalse(Files.exists(point(target)));
  }

  @Test
  void aPointWithoutItsTargetIsNotBelieved() throws Exception {
    copy();
    Files.delete(target);
    assertTrue(copy().startsWith("all "));
    assertRestores();
  }

  @Test
  void anotherDisksTargetIsWrittenAnew() throws Exception {
    write(0, new byte[] {1});
    copy();
    AttachedDevice other = engine.disk("other", 2 << 20);
    other.write(ByteBuffer.wrap(new byte[] {9}), 77);
    new IncrementalCopy(engine.service()).copy(engine.file("other").toString(), target.toString());
    assertEquals(-1, Files.mismatch(engine.file("other"), target));
  }
}
