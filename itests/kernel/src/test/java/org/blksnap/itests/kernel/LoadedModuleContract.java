// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.kernel;

import java.io.IOException;
import java.nio.file.Path;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.contract.SnapshotServiceContract;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What every engine does, of the kernel engine over the loaded module; its disks are loop devices.
 */
final class LoadedModuleContract extends SnapshotServiceContract {
  private Guest guest;
  private int storages;

  @BeforeEach
  void begin() throws IOException {
    guest = new Guest();
  }

  @AfterEach
  void end() throws IOException {
    guest.close();
  }

  @Override
  protected SnapshotService service() throws Exception {
    return guest.engine();
  }

  @Override
  protected Path disk(String name) throws Exception {
    return guest.loop(name, CAPACITY, FILL);
  }

  @Override
  protected Path storage() throws Exception {
    return guest.loop("storage" + storages++, STORAGE, (byte) 0);
  }

  @Override
  protected void write(AttachedDevice device, long offset, byte[] bytes) throws IOException {
    Guest.write(device.path(), offset, bytes);
  }
}
