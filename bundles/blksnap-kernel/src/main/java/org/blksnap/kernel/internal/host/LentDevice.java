// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.host;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A block device that is open only while somebody reads or writes it, and a moment longer: who
 * wants to unmount, remove or partition it is not in our way, nor are we in his.
 *
 * <pre>
 * closed ──first use──► open, in use by n ──all ended, idle──► closed      ended: ESTALE for good
 * </pre>
 *
 * <p>Where the bundle that opened it is swapped (ESHUTDOWN), it is opened by the next one and asked
 * again, once a request. Monitor: what is open and who uses it; a use itself holds nothing.
 */
public final class LentDevice {
  /** A use of the open device. */
  @FunctionalInterface
  public interface Use<T> {
    T of(RawDevice device) throws IOException;
  }

  /** One opening, and those who are inside. */
  private static final class Opening {
    final RawDevice device;
    int users;
    boolean retired;
    long lastUse = System.nanoTime();

    Opening(RawDevice device) {
      this.device = device;
    }
  }

  /** How long it stays open without a use. */
  static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** Longest wait for the node of a device that was made just now. */
  static final long NODE_WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final Logger LOG = LoggerFactory.getLogger(LentDevice.class);
  private static final long LOOK_MILLIS = 10;

  private final Path node;
  private final boolean readOnly;
  private final Supplier<DeviceProvider> providers;

  @GuardedBy("this")
  private Opening opening;

  /** Why it has ended; null before. */
  @GuardedBy("this")
  private String ended;

  /** {@code providers} answers null while the bundle is away. */
  public LentDevice(Path node, boolean readOnly, Supplier<DeviceProvider> providers) {
    this.node = node;
    this.readOnly = readOnly;
    this.providers = providers;
  }

  /** Uses it. ESTALE: it has ended. ESHUTDOWN: the bundle that opens it is away. */
  public <T> T use(Use<T> use) throws IOException {
    try {
      return usedOnce(use);
    } catch (BlksnapException e) {
      if (e.errno() != Errno.ESHUTDOWN) {
        throw e;
      }
      return usedOnce(use);
    }
  }

  private <T> T usedOnce(Use<T> use) throws IOException {
    Opening mine = enter();
    boolean away = false;
    try {
      return use.of(mine.device);
    } catch (BlksnapException e) {
      away = e.errno() == Errno.ESHUTDOWN;
      throw e;
    } finally {
      leave(mine, away);
    }
  }

  private Opening enter() throws BlksnapException {
    long until = System.nanoTime() + NODE_WAIT_NANOS;
    while (true) {
      try {
        return enterNow();
      } catch (BlksnapException e) {
        boolean coming = e.errno() == Errno.ENOENT || e.errno() == Errno.ESHUTDOWN;
        if (!coming || until - System.nanoTime() <= 0) {
          throw e;
        }
      }
      try {
        Thread.sleep(LOOK_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BlksnapException(Errno.EINTR, node + " was not opened: interrupted", e);
      }
    }
  }

  private synchronized Opening enterNow() throws BlksnapException {
    if (ended != null) {
      throw new BlksnapException(Errno.ESTALE, ended);
    }
    if (opening == null) {
      DeviceProvider provider = providers.get();
      if (provider == null) {
        throw new BlksnapException(
            Errno.ESHUTDOWN,
            node
                + ": the bundle org.blksnap.device is away; start it: bundle:start"
                + " org.blksnap.device");
      }
      opening = new Opening(provider.open(new OpenRequest(node, readOnly, true)));
    }
    opening.users++;
    return opening;
  }

  private synchronized void leave(Opening mine, boolean away) {
    mine.users--;
    mine.lastUse = System.nanoTime();
    if (away && opening == mine) {
      opening = null;
      mine.retired = true;
    }
    closeIfDone(mine);
  }

  @GuardedBy("this")
  private void closeIfDone(Opening one) {
    if (one.retired && one.users == 0) {
      try {
        one.device.close();
      } catch (IOException e) {
        LOG.debug("{} was not closed cleanly: {}", node, e.toString());
      }
    }
  }

  /** Closed where nobody has used it for a while. Called about each second. */
  public synchronized void tick() {
    Opening now = opening;
    if (now != null && now.users == 0 && System.nanoTime() - now.lastUse > IDLE_NANOS) {
      retire();
    }
  }

  @GuardedBy("this")
  private void retire() {
    Opening old = opening;
    opening = null;
    if (old != null) {
      old.retired = true;
      closeIfDone(old);
    }
  }

  /** For good; uses under way end as the device lets them. {@code why} is a sentence. */
  public synchronized void end(String why) {
    if (ended == null) {
      ended = why;
    }
    retire();
  }
}
