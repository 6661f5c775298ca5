// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit.engine;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.contract.SnapshotServiceContract;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The userspace engine does what every engine does. */
class UserspaceEngineContractTest extends SnapshotServiceContract {
  @TempDir(factory = OnDisk.class)
  Path directory;

  private TestEngine engine;
  private int storages;

  @BeforeEach
  void start() throws IOException {
    engine = TestEngine.in(directory.resolve("engine"));
  }

  @AfterEach
  void stop() {
    engine.close();
  }

  @Override
  protected SnapshotService service() {
    return engine.service();
  }

  @Override
  protected Path disk(String name) throws IOException {
    byte[] bytes = new byte[CAPACITY];
    Arrays.fill(bytes, FILL);
    return Files.write(directory.resolve(name + ".img"), bytes);
  }

  @Override
  protected Path storage() throws IOException {
    Path file = directory.resolve("storage" + storages++);
    try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
      made.setLength(STORAGE);
    }
    return file;
  }
}
