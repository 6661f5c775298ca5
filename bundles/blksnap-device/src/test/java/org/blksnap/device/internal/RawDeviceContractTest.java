// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.blksnap.contract.LoopDevice;
import org.blksnap.contract.RawDeviceContract;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.host.HostOperations;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;

/** Files and block devices, with a host and without. */
class RawDeviceContractTest {
  private abstract static class OfLocalDevices extends RawDeviceContract {
    private final LocalDeviceProvider provider;
    private LoopDevice loop;

    OfLocalDevices(HostOperations host) {
      provider = new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), host);
    }

    @Override
    protected DeviceProvider provider() {
      return provider;
    }

    final Path file() throws Exception {
      Path file = directory.resolve("disk");
      if (Files.notExists(file)) {
        byte[] content = new byte[CAPACITY];
        Arrays.fill(content, FILL);
        Files.write(file, content);
      }
      return file;
    }

    final Path loop() throws Exception {
      if (loop == null) {
        loop = new LoopDevice(file());
      }
      return loop.device;
    }

    @AfterEach
    void closeAll() throws Exception {
      provider.close();
      if (loop != null) {
        loop.close();
      }
    }
  }

  @Nested
  class RegularFiles extends OfLocalDevices {
    RegularFiles() {
      super(new ToolHost());
    }

    @Override
    protected Path path() throws Exception {
      return file();
    }
  }

  @Nested
  class RegularFilesWithoutAHost extends OfLocalDevices {
    RegularFilesWithoutAHost() {
      super(null);
    }

    @Override
    protected Path path() throws Exception {
      return file();
    }
  }

  @Nested
  class BlockDevices extends OfLocalDevices {
    BlockDevices() {
      super(new ToolHost());
    }

    @Override
    protected Path path() throws Exception {
      return loop();
    }
  }

  @Nested
  class BlockDevicesWithoutAHost extends OfLocalDevices {
    BlockDevicesWithoutAHost() {
      super(null);
    }

    @Override
    protected Path path() throws Exception {
      return loop();
    }
  }
}
