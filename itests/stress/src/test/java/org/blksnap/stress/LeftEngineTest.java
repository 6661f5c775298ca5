// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotState;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Whoever still has a snapshot of an engine that has gone: its directory is a successor's now. */
class LeftEngineTest {
  private static final long CAPACITY = 1 << 20;

  @TempDir Path root;

  private EngineSubject subject;

  @BeforeEach
  void attach() throws Exception {
    subject = new EngineSubject(root);
    Path disk = subject.directory().resolve("disk");
    Files.write(disk, new byte[(int) CAPACITY]);
    subject.service().attach(AttachRequest.of(disk));
  }

  private static void refused(Executable call) {
    assertEquals(Errno.ESHUTDOWN, assertThrows(BlksnapException.class, call).errno());
  }

  @Test
  void aLeaseDestroysNothingOfTheSuccessor() throws Exception {
    SnapshotLease lease = subject.service().take(SnapshotRequest.of("disk"));
    UUID id = lease.snapshot().id();
    subject.restartToSuccessor(() -> {});
    refused(lease::close);
    subject.restartToSuccessor(() -> {});
    Snapshot found = subject.service().snapshot(id);
    assertEquals(SnapshotState.TAKEN, found.state());
    assertEquals(Errno.OK, found.info().get(0).error());
    found.destroy();
    assertEquals(List.of(), subject.service().collect());
    subject.close();
  }

  @Test
  void nothingIsChangedThroughIt() throws Exception {
    Snapshot old = subject.service().create();
    subject.restartToSuccessor(() -> {});
    refused(() -> old.addDevice("disk"));
    refused(() -> old.appendStorageMemory(CAPACITY));
    refused(() -> old.appendStorageDirectory(subject.directory(), CAPACITY));
    refused(old::take);
    refused(old::destroy);
    subject.restartToSuccessor(() -> {});
    assertEquals(List.of(), subject.service().snapshot(old.id()).devices());
    subject.close();
  }

  @Test
  void aTimeThatRanOutWhileItWentGivesNoRoomUp() throws Exception {
    UUID generation = generation();
    subject.waits(Duration.ofSeconds(5), Duration.ofMillis(1));
    ReentrantLock control = subject.engine().desk().control();
    control.lock();
    try {
      subject.takeAway("TRACKER");
      while (!control.hasQueuedThreads()) {
        Thread.onSpinWait(); // the end of the hand-over time waits for the lock
      }
      subject.engine().leaveToSuccessor();
    } finally {
      control.unlock();
    }
    while (control.isLocked() || control.hasQueuedThreads()) {
      Thread.onSpinWait();
    }
    subject.restartToSuccessor(() -> {});
    assertEquals(generation, generation());
    subject.close();
  }

  private UUID generation() throws Exception {
    return subject.service().device("disk").orElseThrow().changes().info().generationId();
  }
}
