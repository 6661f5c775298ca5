// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.enginebase.EventRelay;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.kernel.internal.device.DeviceBook;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.spi.device.DeviceProvider;

/**
 * What every part of the engine needs, and nothing that needs one of them.
 *
 * @param control held by attach, detach, create, add, append, take and destroy, one at a time;
 *     never by a data request, a query, an event, or the storage as it grows
 * @param module the kernel's
 * @param disks the host's
 * @param providers answers null while the bundle is away
 * @param state the engine's own directory
 * @param devices what is attached
 * @param events what is told of snapshots
 * @param runs whether the bundle of this symbolic name is running
 */
public record Desk(
    ReentrantLock control,
    PresentModule module,
    Disks disks,
    Supplier<DeviceProvider> providers,
    StateDirectory state,
    DeviceBook devices,
    EventRelay events,
    Predicate<String> runs) {
  /** ESHUTDOWN where the engine has stopped. */
  public void checkRunning() throws BlksnapException {
    if (module.hasEnded()) {
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "the kernel engine has stopped; where it was updated, ask its successor");
    }
  }
}
