// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.ioctl.internal.LinuxHostOperations;

/** The provider of devices with the host's own calls, as the framework binds them. */
public final class HostDevices {
  private HostDevices() {}

  public static LocalDeviceProvider provider() throws BlksnapException {
    return new LocalDeviceProvider(
        Surroundings.of(Path.of("/sys"), Path.of("/proc")), new LinuxHostOperations());
  }
}
