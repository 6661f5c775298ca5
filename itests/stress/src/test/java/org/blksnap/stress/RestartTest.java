// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.snapshot.internal.EngineSubject;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a kill must not make forgotten. */
class RestartTest {
  private static final int CHUNK = 4096;

  @TempDir Path directory;
  private EngineSubject subject;
  private Snapshot snapshot;

  @BeforeEach
  void start() throws IOException {
    subject = new EngineSubject(directory.resolve("engine"));
    subject.parameters().set(Parameter.CHUNK_MINIMUM_SHIFT, 12);
    subject.parameters().set(Parameter.DIFF_STORAGE_MINIMUM, 64);
    Path file = subject.directory().resolve("dev");
    Files.write(file, new byte[64 * CHUNK]);
    subject.service().attach(AttachRequest.of(file).named("dev"));
    snapshot = subject.service().create();
    snapshot.addDevice("dev");
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private Path storage(int chunks) throws IOException {
    return Files.write(subject.directory().resolve("storage"), new byte[chunks * CHUNK]);
  }

  private void write(int chunks) throws IOException {
    AttachedDevice device = subject.service().device("dev").orElseThrow();
    device.write(ByteBuffer.allocate(chunks * CHUNK), 0, 0);
  }

  @Test
  void aLostImageIsLostAfterAKill() throws Exception {
    snapshot.appendStorage(storage(2), List.of());
    snapshot.take();
    SnapshotImage image = snapshot.images().get(0);
    subject.restartAsKilledRightAfter(
        () -> {
          write(8);
          assertThrows(BlksnapException.class, image::flush);
        });
    SnapshotImage now = subject.service().snapshot(snapshot.id()).images().get(0);
    assertEquals(Errno.ENOSPC, now.error());
    assertThrows(BlksnapException.class, () -> now.read(ByteBuffer.allocate(1), 0));
  }

  @Test
  void aPortionNotGivenIsAskedForAgainAfterAKill() throws Exception {
    snapshot.appendStorage(storage(4), List.of());
    subject.restartAsKilled();
    BlksnapEvent event =
        subject.service().snapshot(snapshot.id()).waitEvent(Duration.ofSeconds(10));
    assertEquals(32, ((BlksnapEvent.LowFreeSpace) event).requestedSectors());
  }
}
