// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.device.internal.LocalDeviceProvider;
import org.blksnap.ioctl.internal.LinuxHostOperations;

/** The provider of devices with the host's own calls, as the framework binds them. */
public final class HostDevices {
  private HostDevices() {}

  public static LocalDeviceProvider provider() throws BlksnapException {
    return new LocalDeviceProvider(new LinuxHostOperations());
  }
}
