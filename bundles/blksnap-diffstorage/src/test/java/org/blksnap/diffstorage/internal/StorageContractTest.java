// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.contract.LoopDevice;
import org.blksnap.contract.StorageContract;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;

/** Each kind of space. */
class StorageContractTest {
  private abstract static class OfPools extends StorageContract {
    PoolFixture fixture;
    int given;

    @Override
    protected StorageProvider provider() {
      if (fixture == null) {
        fixture = new PoolFixture(directory);
      }
      return fixture.provider();
    }
  }

  @Nested
  class OfFiles extends OfPools {
    @Override
    protected void give(DiffStorage pool, long bytes) throws Exception {
      fixture.append(pool, fixture.file("given" + given++, bytes));
    }
  }

  @Nested
  class OfBlockDevices extends OfPools {
    private final List<LoopDevice> loops = new ArrayList<>();

    /** Detached only when the pool is gone: methods of subclasses run first. */
    @AfterEach
    void detach() throws Exception {
      deleteNow();
      for (LoopDevice loop : loops) {
        loop.close();
      }
    }

    @Override
    protected void give(DiffStorage pool, long bytes) throws Exception {
      LoopDevice loop = new LoopDevice(fixture.file("backing" + given++, bytes));
      loops.add(loop);
      pool.appendRanges(loop.device, List.of(), PoolFixture.geometry(bytes, 512));
    }
  }

  @Nested
  class OfMemory extends OfPools {
    @Override
    protected void give(DiffStorage pool, long bytes) throws Exception {
      pool.appendMemory(bytes);
    }
  }

  @Nested
  class OfDirectories extends OfPools {
    @Override
    protected void give(DiffStorage pool, long bytes) throws Exception {
      Path place = Files.createDirectory(directory.resolve("given" + given++));
      pool.appendDirectory(place, bytes);
    }
  }
}
