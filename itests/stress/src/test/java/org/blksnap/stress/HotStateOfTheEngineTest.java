// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What of the engine's state is in memory, and when; and what is lost where the memory is. */
class HotStateOfTheEngineTest {
  private static final int SIZE = 4 << 20;

  @TempDir Path directory;
  private EngineSubject subject;
  private Snapshot snapshot;
  private UUID generation;

  @BeforeEach
  void takeAndWrite() throws Exception {
    subject = EngineSubject.withHotState(directory.resolve("engine"));
    Path live = Files.write(subject.directory().resolve("live"), new byte[SIZE]);
    subject.service().attach(AttachRequest.of(live).named("live"));
    snapshot = subject.service().create();
    snapshot.addDevice("live");
    Path storage = Files.write(subject.directory().resolve("storage"), new byte[SIZE]);
    snapshot.appendStorage(storage, List.of());
    snapshot.take();
    subject
        .service()
        .device("live")
        .orElseThrow()
        .write(ByteBuffer.allocateDirect(4096), 0, IoFlags.NONE);
    generation = generationNow();
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private UUID generationNow() throws IOException {
    return subject.service().device("live").orElseThrow().changes().info().generationId();
  }

  private Errno imageNow() throws IOException {
    return subject.service().snapshot(snapshot.id()).info().get(0).error();
  }

  private static List<String> files(Path below) throws IOException {
    if (!Files.exists(below)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(below)) {
      return all.filter(Files::isRegularFile)
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.endsWith(".record"))
          .sorted()
          .toList();
    }
  }

  @Test
  void mappedFilesAreInMemoryAndNotOnDiskWhileTheEngineWorks() throws Exception {
    assertEquals(
        List.of("cbt.map", "chunks.map", "queue.buf", "storage.state"), files(subject.memory()));
    assertEquals(
        List.of("lock", "state.id", "storage.state"),
        files(subject.state()),
        "of the storage a copy stays, for the removal of its files");
  }

  @Test
  void aDestroyedSnapshotAndADetachedDeviceLeaveNothingInMemory() throws Exception {
    snapshot.destroy();
    assertEquals(List.of("cbt.map"), files(subject.memory()));
    subject.service().detach("live");
    assertEquals(List.of(), files(subject.memory()));
    assertEquals(List.of("cbt.map", "lock", "state.id"), files(subject.state()));
  }

  @Test
  void aCleanStopBringsAllToDisk() throws Exception {
    subject.restart(
        () -> {
          assertEquals(List.of(), files(subject.memory()));
          assertTrue(
              files(subject.state())
                  .containsAll(List.of("cbt.map", "chunks.map", "queue.buf", "storage.state")));
        });
    assertEquals(generation, generationNow());
    assertEquals(Errno.OK, imageNow());
  }

  @Test
  void memoryEmptiedAfterAKillIsANewGenerationAndACorruptedImage() throws Exception {
    subject.restartAsKilled(() -> EngineSubject.empty(subject.memory()));
    assertNotEquals(generation, generationNow());
    assertEquals(
        GenerationReason.MAP_UNREADABLE,
        subject.service().device("live").orElseThrow().changes().info().reason());
    assertNotEquals(Errno.OK, imageNow());
  }

  @Test
  void aDurableDevicesMapStaysOnDisk() throws Exception {
    Path durable = Files.write(subject.directory().resolve("durable"), new byte[SIZE]);
    subject.service().attach(AttachRequest.of(durable).named("durable").durable(true));
    assertEquals(List.of("cbt.map"), files(subject.state().resolve("devices/durable")));
  }
}
