// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import java.io.IOException;
import java.nio.file.Path;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.contract.SnapshotServiceContract;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The engine over a kernel in memory. */
class KernelEngineContractTest extends SnapshotServiceContract {
  private MemoryHouse house;
  private int storages;

  @BeforeEach
  void begin() throws IOException {
    house = new MemoryHouse();
    // Beneath the double's file systems is less than the module's usual portion.
    house.kernel.parameter("diff_storage_minimum", 16384);
  }

  @AfterEach
  void end() throws IOException {
    house.close();
  }

  @Override
  protected SnapshotService service() throws Exception {
    return house.engine();
  }

  @Override
  protected Path disk(String name) throws Exception {
    return house.disk(name).path();
  }

  @Override
  protected Path storage() throws Exception {
    return house.disk("storage" + storages++, STORAGE).path();
  }

  @Override
  protected void write(AttachedDevice device, long offset, byte[] bytes) {
    house.kernel.write(house.at(device.path()), offset, bytes);
  }
}
