// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How much a snapshot takes for itself, with the parameters as they are delivered. */
@Timeout(60)
class StorageSizeTest {
  private static final int SIZE = 8 << 20;

  @TempDir Path directory;
  private EngineSubject subject;
  private Path grow;

  @BeforeEach
  void attach() throws IOException {
    subject = new EngineSubject(directory.resolve("engine"));
    Path file = subject.directory().resolve("dev");
    byte[] content = new byte[SIZE];
    new Random(3).nextBytes(content);
    Files.write(file, content);
    subject.service().attach(AttachRequest.of(file).named("dev"));
    grow = Files.createDirectories(directory.resolve("diff"));
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private static long bytesIn(Path tree) throws IOException {
    try (var files = Files.walk(tree)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  @Test
  void aDeviceOfEightMegabytesTakesNoMoreThanThatAndIsServedWholly() throws Exception {
    Snapshot snapshot = subject.service().create();
    snapshot.addDevice("dev");
    snapshot.appendStorageDirectory(grow, 1L << 30);
    snapshot.take();
    assertEquals(SIZE, bytesIn(grow));
    Path kept = subject.state().resolve("snapshots").resolve(snapshot.id().toString());
    long buffers = bytesIn(kept);
    assertTrue(buffers < SIZE + (1 << 20), buffers + " bytes beside the storage");
    subject.service().device("dev").orElseThrow().write(ByteBuffer.wrap(new byte[SIZE]), 0);
    snapshot.images().get(0).flush();
    assertEquals(Errno.OK, snapshot.info().get(0).error());
    assertEquals(SIZE, bytesIn(grow));
  }
}
