// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TestEngineTest {
  private static final int SIZE = 4 << 20;

  /** Beside the classes: what java.io.tmpdir names may be a tmpfs, where no generation lives on. */
  @TempDir(factory = OnDisk.class)
  Path directory;

  private static void write(AttachedDevice disk, long offset) throws IOException {
    disk.write(ByteBuffer.wrap(new byte[] {1}), offset);
  }

  private static byte read(BlockDevice from, long offset) throws IOException {
    ByteBuffer one = ByteBuffer.allocate(1);
    from.read(one, offset);
    return one.get(0);
  }

  /** The fastest of several: the first loads classes, and another's work may hold one up. */
  @Test
  void oneStartsInLessThanASecond() throws Exception {
    Duration fastest = Duration.ofDays(1);
    for (int start = 0; start < 5; start++) {
      long begin = System.nanoTime();
      try (TestEngine engine = TestEngine.in(directory.resolve("start" + start))) {
        engine.disk("disk", SIZE);
        Duration took = Duration.ofNanos(System.nanoTime() - begin);
        fastest = took.compareTo(fastest) < 0 ? took : fastest;
      }
    }
    System.out.println("an engine with a disk started in " + fastest.toMillis() + " ms");
    assertTrue(fastest.compareTo(Duration.ofSeconds(1)) < 0, fastest.toString());
  }

  @Test
  void anImageStaysWhileTheDiskIsWritten() throws Exception {
    try (TestEngine engine = TestEngine.in(directory)) {
      AttachedDevice disk = engine.disk("disk", SIZE);
      try (SnapshotLease lease = engine.service().take(SnapshotRequest.of("disk"))) {
        write(disk, 12345);
        assertEquals(0, read(lease.image("disk"), 12345));
        assertEquals(1, read(disk, 12345));
        assertFalse(lease.snapshot().orphaned());
      }
    }
  }

  @Test
  void aPointAndASnapshotAreKeptOverARestart() throws Exception {
    try (TestEngine engine = TestEngine.in(directory)) {
      AttachedDevice disk = engine.disk("disk", SIZE);
      SnapshotLease lease = engine.service().take(SnapshotRequest.of("disk"));
      ChangePoint point = lease.image("disk").changes().info().point();
      UUID kept = lease.keep();
      write(disk, 1 << 20);
      engine.restart();
      assertEquals(0, read(engine.service().snapshot(kept).image("disk"), 1 << 20));
      engine.service().destroy(kept);
      try (SnapshotLease next = engine.service().take(SnapshotRequest.of("disk"))) {
        ChangeSet changes = next.image("disk").changes().changedSince(point);
        assertFalse(changes.full(), changes.fullReason());
        assertEquals(List.of(new ByteRange(1 << 20, changes.blockSize())), changes.extents(0, 9));
      }
    }
  }

  @Test
  void whatIsWrittenWhileNoEngineRunsMakesEverythingChanged() throws Exception {
    try (TestEngine engine = TestEngine.in(directory)) {
      engine.disk("disk", SIZE);
      SnapshotLease lease = engine.service().take(SnapshotRequest.of("disk"));
      ChangePoint point = lease.image("disk").changes().info().point();
      lease.close();
      engine.restart(() -> Files.write(engine.file("disk"), new byte[SIZE]));
      assertTrue(engine.disk("disk", SIZE).changes().changedSince(point).full());
    }
  }

  @Test
  void aDiskIsMadeOnceAndHasOneSize() throws Exception {
    try (TestEngine engine = TestEngine.in(directory)) {
      write(engine.disk("disk", SIZE), 0);
      assertEquals(1, read(engine.disk("disk", SIZE), 0));
      assertEquals(
          Errno.EEXIST,
          assertThrows(BlksnapException.class, () -> engine.disk("disk", 512)).errno());
    }
  }

  @Test
  void aSecondOneOnTheSameDirectoryIsRefused() throws Exception {
    try (TestEngine engine = TestEngine.in(directory)) {
      assertEquals("userspace", engine.service().engine());
      assertEquals(
          Errno.EBUSY,
          assertThrows(BlksnapException.class, () -> TestEngine.in(directory)).errno());
    }
  }

  @Test
  void aStoppedOneSaysSo() throws Exception {
    TestEngine engine = TestEngine.in(directory);
    engine.close();
    engine.close();
    assertThrows(IllegalStateException.class, engine::service);
  }

  @Test
  void participantsAreAskedAndListenersAreToldAlsoAfterARestart() throws Exception {
    LinkedBlockingQueue<String> told = new LinkedBlockingQueue<>();
    try (TestEngine engine = TestEngine.in(directory)) {
      engine.participant(
          new SnapshotParticipant() {
            @Override
            public String participantName() {
              return "database";
            }

            @Override
            public void beforeTake(UUID snapshot, List<String> devices) {
              told.add("before " + devices);
            }

            @Override
            public void afterTake(UUID snapshot, List<String> devices, boolean taken) {}
          });
      engine.listener(
          event -> {
            if (event instanceof BlksnapEvent.Taken taken) {
              told.add("taken " + taken.consistency());
            }
          });
      engine.disk("disk", SIZE);
      for (int i = 0; i < 2; i++) {
        engine.service().take(SnapshotRequest.of("disk")).close();
        assertEquals("before [disk]", told.poll(10, TimeUnit.SECONDS));
        assertEquals("taken APPLICATION", told.poll(10, TimeUnit.SECONDS));
        engine.restart();
      }
    }
  }

  @Test
  void aParameterSetIsInForce() throws Exception {
    try (TestEngine engine = TestEngine.in(directory)) {
      engine.parameters().set(Parameter.TRACKING_BLOCK_MINIMUM_SHIFT, 18);
      assertEquals(1 << 18, engine.disk("disk", SIZE).changes().info().blockSize());
    }
  }
}
