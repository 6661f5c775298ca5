// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.file.HeldFile;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;

/**
 * One device's file at the host, which may come and go.
 *
 * <p>Two kinds. An exclusive one is opened with the device and kept for its life, also beyond the
 * host service that opened it: giving it up to take another would leave the device open to others
 * for a moment, and only the descriptor that holds the claim may discard. Any other belongs to the
 * present host service and is opened anew when that changes. Without a host there is none, and the
 * operations say what they do then.
 */
final class HostAccess implements AutoCloseable {
  private record Held(HostOperations by, HostFile file) {}

  private final HeldFile device;
  private final boolean writable;
  private final boolean exclusive;
  private final Supplier<HostOperations> source;
  private volatile Held held;

  @GuardedBy("this")
  private boolean closed;

  /** Opens at once where there is a host. EBUSY where exclusive and held elsewhere. */
  HostAccess(HeldFile device, boolean writable, boolean exclusive, Supplier<HostOperations> source)
      throws IOException {
    this.device = device;
    this.writable = writable;
    this.exclusive = exclusive;
    this.source = source;
    HostOperations now = source.get();
    if (now != null) {
      held = new Held(now, device.open(now, writable, exclusive));
    }
  }

  /** Null without a host; or where it came late and somebody else holds the device by now. */
  HostFile file() throws IOException {
    Held present = held;
    HostOperations now = source.get();
    if (present != null && (exclusive || present.by() == now)) {
      return present.file();
    }
    return now == null ? null : renew(now);
  }

  /** What is asked of the file. Begun anew where the file went away under it. */
  interface Use<T> {
    /** {@code file} is null where {@link #file} is. */
    T with(HostFile file) throws IOException;
  }

  /**
   * Asks the present file. Between getting and asking it another thread may have met a new host and
   * closed it; that is EBADF, and the new host's file is asked, once.
   */
  <T> T use(Use<T> use) throws IOException {
    HostFile file = file();
    try {
      return use.with(file);
    } catch (BlksnapException failure) {
      if (failure.errno() != Errno.EBADF) {
        throw failure;
      }
      HostFile next = file();
      if (next == file) {
        throw failure;
      }
      return use.with(next);
    }
  }

  HostOperations operations() {
    return source.get();
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (held != null) {
      held.file().close();
    }
  }

  private synchronized HostFile renew(HostOperations now) throws IOException {
    if (closed) {
      throw new BlksnapException(Errno.ESHUTDOWN, device + " is closed; open it again");
    }
    Held old = held;
    if (old == null || (!exclusive && old.by() != now)) {
      try {
        held = new Held(now, device.open(now, writable, exclusive));
      } catch (BlksnapException refused) {
        if (exclusive && refused.errno() == Errno.EBUSY) {
          return null;
        }
        throw refused;
      }
      if (old != null) {
        old.file().close();
      }
    }
    return held.file();
  }
}
