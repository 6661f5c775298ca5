// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.module;

import java.io.Closeable;
import java.time.Duration;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Waits for the events of one snapshot, in the kernel. An event that was answered is gone from
 * there. One thread waits at a time.
 */
@ProviderType
public interface EventWait extends Closeable {
  /**
   * The oldest event, waited for up to the timeout; empty where none came, or it was closed
   * meanwhile. An event that came in the moment of the closing is answered. ESRCH: the snapshot is
   * destroyed, or never was. EBUSY: another thread waits here.
   */
  Optional<ModuleEvent> next(Duration timeout) throws BlksnapException;

  /**
   * Wakes who waits, within milliseconds, and does not wait for it. Every wait ends at once then.
   */
  @Override
  void close();
}
