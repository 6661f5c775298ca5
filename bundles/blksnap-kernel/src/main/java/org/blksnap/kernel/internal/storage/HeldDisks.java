// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;

/**
 * Block devices that are storage, each open exclusively (O_EXCL) once, however many ranges of it
 * were given: nobody mounts, formats or partitions it. Monitor: which are open; held in an open.
 */
final class HeldDisks {
  /** One device. */
  private static final class Held {
    final HostFile file;
    int users;

    Held(HostFile file) {
      this.file = file;
    }
  }

  private final Supplier<HostOperations> host;

  @GuardedBy("this")
  private final Map<String, Held> held = new HashMap<>();

  /** {@code host} answers null while the bundle is away. */
  HeldDisks(Supplier<HostOperations> host) {
    this.host = host;
  }

  synchronized boolean has(String number) {
    return held.containsKey(number);
  }

  /** Until what is answered is run. EBUSY: it is mounted, or somebody else holds it. */
  synchronized Runnable hold(Path node, String number) throws BlksnapException {
    Held one = held.get(number);
    if (one == null) {
      one = new Held(open(node));
      held.put(number, one);
    }
    one.users++;
    return () -> letGo(number);
  }

  private HostFile open(Path node) throws BlksnapException {
    HostOperations now = host.get();
    if (now == null) {
      throw new BlksnapException(
          Errno.ENOSYS,
          "storage "
              + node
              + " is not held: that needs native access; start the bundle: bundle:start"
              + " org.blksnap.ioctl");
    }
    try {
      return now.open(node, false, true);
    } catch (BlksnapException e) {
      throw new BlksnapException(
          e.errno(),
          "storage "
              + node
              + " refused: it is not to be had for the storage alone ("
              + e.getMessage()
              + "); unmount it, or give a device that nobody uses",
          e);
    }
  }

  private synchronized void letGo(String number) {
    Held one = held.get(number);
    if (--one.users == 0) {
      held.remove(number);
      one.file.close();
    }
  }
}
