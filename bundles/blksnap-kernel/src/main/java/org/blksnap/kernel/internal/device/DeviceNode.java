// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.device;

import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;

/** How the kernel is told which device is meant. Any thread. */
@FunctionalInterface
interface DeviceNode {
  /** ENODEV where it leads to another device by now. */
  Path path() throws BlksnapException;
}
