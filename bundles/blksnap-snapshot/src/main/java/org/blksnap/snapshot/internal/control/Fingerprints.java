// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.util.concurrent.locks.LockSupport;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What has to be done before a device's fingerprint proves anything. Stateless. */
public final class Fingerprints {
  private static final Logger LOG = LoggerFactory.getLogger(Fingerprints.class);

  private Fingerprints() {}

  /**
   * Gates closed, so nothing of ours is written any more: afterwards a change by others shows in
   * the devices' fingerprints, also in the stamps of files. What is in memory of a block device is
   * written first, since that changes the stamps of a loop device's file.
   */
  public static void rest(RawDevice raw) {
    try {
      if (raw.identity().blockDevice()) {
        raw.flush();
      }
      sleep(raw.stampGranule().toNanos());
    } catch (IOException e) {
      LOG.warn("{} did not come to rest: {}", raw.path(), e.toString());
    }
  }

  private static void sleep(long nanos) {
    long end = System.nanoTime() + nanos;
    boolean interrupted = false;
    for (long wait = nanos; wait > 0; wait = end - System.nanoTime()) {
      interrupted |= Thread.interrupted();
      LockSupport.parkNanos(wait);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
