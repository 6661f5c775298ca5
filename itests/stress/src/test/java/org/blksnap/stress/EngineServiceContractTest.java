// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.contract.LoopDevice;
import org.blksnap.contract.SnapshotServiceContract;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** The userspace engine is an engine, on block devices; the testkit runs the same on files. */
class EngineServiceContractTest {
  private abstract static class OfTheEngine extends SnapshotServiceContract {
    @TempDir Path directory;
    private EngineSubject engine;

    @BeforeEach
    void start() throws Exception {
      engine = new EngineSubject(directory.resolve("engine"));
    }

    @AfterEach
    void stop() throws Exception {
      engine.close();
    }

    @Override
    protected SnapshotService service() {
      return engine.service();
    }

    final Path file(String name, int size, int fill) throws Exception {
      byte[] content = new byte[size];
      Arrays.fill(content, (byte) fill);
      return Files.write(directory.resolve(name), content);
    }
  }

  @Nested
  class OnBlockDevices extends OfTheEngine {
    private final List<LoopDevice> loops = new ArrayList<>();

    private Path loop(Path file) throws Exception {
      LoopDevice loop = new LoopDevice(file);
      loops.add(loop);
      return loop.device;
    }

    @Override
    protected Path disk(String name) throws Exception {
      return loop(file(name + ".img", CAPACITY, FILL));
    }

    @Override
    protected Path storage() throws Exception {
      return loop(file("storage-" + UUID.randomUUID(), STORAGE, 0));
    }

    @Override
    @AfterEach
    void stop() throws Exception {
      super.stop();
      for (LoopDevice loop : loops) {
        loop.close();
      }
    }
  }
}
