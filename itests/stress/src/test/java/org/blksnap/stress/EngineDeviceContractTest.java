// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.contract.BlockDeviceContract;
import org.blksnap.contract.LoopDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** What the engine gives its users: live devices, free and held, and images. */
class EngineDeviceContractTest {
  private static final int MEMORY = 16 << 20;

  private abstract static class OfTheEngine extends BlockDeviceContract {
    @TempDir Path directory;
    EngineSubject engine;
    private BlockDevice made;

    @BeforeEach
    void start() throws Exception {
      engine = new EngineSubject(directory.resolve("engine"));
    }

    @AfterEach
    void stop() throws Exception {
      engine.close();
    }

    final Path file(String name) throws Exception {
      byte[] content = new byte[CAPACITY];
      Arrays.fill(content, FILL);
      return Files.write(directory.resolve(name), content);
    }

    final BlockDevice attach(Path path, String name) throws Exception {
      return engine.service().attach(AttachRequest.of(path).named(name));
    }

    final Snapshot take(String name) throws Exception {
      Snapshot snapshot = engine.service().create();
      snapshot.addDevice(name);
      snapshot.appendStorageMemory(MEMORY);
      snapshot.take();
      return snapshot;
    }

    abstract BlockDevice make() throws Exception;

    @Override
    protected BlockDevice device() throws Exception {
      if (made == null) {
        made = make();
      }
      return made;
    }

    @Override
    protected BlockDevice readOnly() throws Exception {
      return null;
    }
  }

  @Nested
  class FilesWithAFilter extends OfTheEngine {
    @Override
    BlockDevice make() throws Exception {
      return attach(file("disk"), "disk");
    }

    @Override
    protected BlockDevice readOnly() throws Exception {
      Path constant = file("constant");
      return engine
          .service()
          .attach(AttachRequest.of(constant).named("constant").readOnly(true).persistent(false));
    }
  }

  @Nested
  class BlockDevicesWithAFilter extends OfTheEngine {
    private LoopDevice loop;

    @Override
    BlockDevice make() throws Exception {
      loop = new LoopDevice(file("disk"));
      return attach(loop.device, "disk");
    }

    @Override
    @AfterEach
    void stop() throws Exception {
      super.stop();
      if (loop != null) {
        loop.close();
      }
    }
  }

  @Nested
  class FilesUnderASnapshot extends OfTheEngine {
    @Override
    BlockDevice make() throws Exception {
      BlockDevice device = attach(file("disk"), "disk");
      take("disk");
      return device;
    }
  }

  @Nested
  class Images extends OfTheEngine {
    @Override
    BlockDevice make() throws Exception {
      attach(file("disk"), "disk");
      return take("disk").images().get(0);
    }
  }

  /** Everything is saved, so nothing comes from the live device any more. */
  @Nested
  class ImagesOfAnOverwrittenDevice extends OfTheEngine {
    @Override
    BlockDevice make() throws Exception {
      BlockDevice device = attach(file("disk"), "disk");
      Snapshot snapshot = take("disk");
      device.writeZeroes(0, CAPACITY);
      return snapshot.images().get(0);
    }
  }
}
