// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.snapshot.AttachRequest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is still under way in an engine that has gone: its directory is a successor's now. */
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
