// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.control.internal.shelf.Shelf;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Storage in memory waits on the shelf while one engine goes and the next one comes. */
@Timeout(60)
class MemoryOverAnUpdateTest {
  private static final int SIZE = 4 << 20;
  private static final int PIECE = 64 << 10;
  private static final int PIECES = SIZE / PIECE;
  private static final int UPDATES = 5;

  @TempDir Path directory;
  private final Random random = new Random(4711);
  private final byte[] old = new byte[SIZE];
  private Shelf shelf = new Shelf(60_000);
  private EngineSubject subject;

  @BeforeEach
  void start() throws IOException {
    subject = EngineSubject.withHotState(directory.resolve("engine"));
    subject.shelf(shelf);
    // Chunks are stored, and do not only wait in buffers, which are in files.
    subject.parameters().set(Parameter.CHUNK_MINIMUM_SHIFT, 16);
    subject.parameters().set(Parameter.CHUNK_MAXIMUM_IN_QUEUE, 1);
    subject.parameters().set(Parameter.FREE_DIFF_BUFFER_POOL_SIZE, 0);
    random.nextBytes(old);
    Path file = Files.write(subject.directory().resolve("dev"), old);
    subject.service().attach(AttachRequest.of(file).named("dev"));
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
    shelf.close();
  }

  private Snapshot taken() throws IOException {
    Snapshot snapshot = subject.service().create();
    snapshot.addDevice("dev");
    snapshot.appendStorageMemory(2 * SIZE);
    snapshot.take();
    return snapshot;
  }

  private void write(int piece) throws IOException {
    byte[] data = new byte[PIECE];
    random.nextBytes(data);
    subject
        .service()
        .device("dev")
        .orElseThrow()
        .write(ByteBuffer.wrap(data), (long) piece * PIECE);
  }

  private static void untilStored(Snapshot snapshot) throws IOException {
    while (snapshot.info().get(0).chunks().orElseThrow().queuedChunks() > 0) {
      Thread.onSpinWait();
    }
    assertTrue(snapshot.storage().filledBytes() > 0, "nothing was stored");
  }

  private SnapshotImage image(UUID id) throws IOException {
    return subject.service().snapshot(id).images().get(0);
  }

  private void checkExact(UUID id) throws IOException {
    SnapshotImage image = image(id);
    assertEquals(Errno.OK, image.error());
    ByteBuffer all = ByteBuffer.allocate(SIZE);
    image.read(all, 0);
    assertArrayEquals(old, all.array());
  }

  @Test
  void anImageOnMemoryStaysExactOverEveryUpdateOfTheConductor() throws Exception {
    UUID id = taken().id();
    for (int i = 0; i < UPDATES; i++) {
      for (int piece = i; piece < PIECES; piece += UPDATES) {
        write(piece);
      }
      untilStored(subject.service().snapshot(id));
      subject.restartToSuccessor(() -> {});
      checkExact(id);
    }
    assertTrue(shelf.fetch("diffstorage.memory." + id).isEmpty(), "fetched, and nothing left");
  }

  @Test
  void memoryCanBeAddedAfterwards() throws Exception {
    UUID id = taken().id();
    write(0);
    subject.restartToSuccessor(() -> {});
    long before = subject.service().snapshot(id).storage().capacityBytes();
    subject.service().snapshot(id).appendStorageMemory(PIECE);
    assertTrue(subject.service().snapshot(id).storage().capacityBytes() > before);
    write(1);
    subject.restartToSuccessor(() -> {});
    checkExact(id);
  }

  @Test
  void whereTheSuccessorComesTooLateTheImageIsLostAndTheDeviceIsNot() throws Exception {
    shelf.close();
    shelf = new Shelf(1);
    subject.shelf(shelf);
    Snapshot snapshot = taken();
    UUID id = snapshot.id();
    write(0);
    untilStored(snapshot);
    subject.restartToSuccessor(
        () -> {
          while (shelf.holds("diffstorage.memory." + id)) {
            Thread.onSpinWait();
          }
        });
    assertNotEquals(Errno.OK, image(id).error());
    write(1);
    subject.service().destroy(id);
    checkExact(anew());
  }

  /** A snapshot of what is there now. */
  private UUID anew() throws IOException {
    ByteBuffer all = ByteBuffer.wrap(old);
    subject.service().device("dev").orElseThrow().read(all, 0);
    UUID id = taken().id();
    write(2);
    return id;
  }

  @Test
  void aStopForGoodLeavesNothingBeyondTheShelf() throws Exception {
    UUID id = taken().id();
    write(0);
    subject.close();
    shelf.close();
    assertTrue(shelf.fetch("diffstorage.memory." + id).isEmpty());
  }
}
