// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.host;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
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
  private static final int PIECE = 64 << 10;

  /** Times in a row that a target may take nothing. */
  private static final int MOST_EMPTY = 100;

  private final Path node;
  private final boolean readOnly;
  private final Supplier<DeviceProvider> providers;
  private final Sight sight;

  @GuardedBy("this")
  private Opening opening;

  /** Why it has ended; null before. */
  @GuardedBy("this")
  private String ended;

  /**
   * {@code providers} answers null while the bundle is away; {@code sight} is asked at each
   * opening.
   */
  public LentDevice(Path node, boolean readOnly, Supplier<DeviceProvider> providers, Sight sight) {
    this.sight = sight;
    this.node = node;
    this.readOnly = readOnly;
    this.providers = providers;
  }

  /** What is open is what is meant. */
  @FunctionalInterface
  public interface Sight {
    /** Where it is not. */
    void check() throws BlksnapException;
  }

  /** As {@link RawDevice#read}. */
  public void read(ByteBuffer dst, long offset) throws IOException {
    int position = dst.position();
    use(
        device -> {
          device.read(dst.position(position), offset);
          return null;
        });
  }

  /** As {@link RawDevice#write}. */
  public void write(ByteBuffer src, long offset) throws IOException {
    int position = src.position();
    use(
        device -> {
          device.write(src.position(position), offset);
          return null;
        });
  }

  /** In pieces, so that what the target has got is not sent once more. */
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PIECE, Math.max(1, length)));
    for (long at = offset; at < offset + length; at += piece.limit()) {
      piece.clear().limit((int) Math.min(piece.capacity(), offset + length - at));
      read(piece, at);
      send(piece.flip(), target);
    }
  }

  private void send(ByteBuffer bytes, WritableByteChannel target) throws IOException {
    int empty = 0;
    while (bytes.hasRemaining()) {
      if (target.write(bytes) > 0) {
        empty = 0;
      } else if (++empty < MOST_EMPTY) {
        pause();
      } else {
        throw new BlksnapException(
            Errno.EIO,
            node
                + ": the target took none of "
                + bytes.remaining()
                + " bytes, "
                + MOST_EMPTY
                + " times in a row; give a channel that has room, and that blocks");
      }
    }
  }

  private void pause() throws BlksnapException {
    try {
      Thread.sleep(LOOK_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BlksnapException(Errno.EINTR, node + ": interrupted in a wait", e);
    }
  }

  /**
   * Uses it, once more where the bundle was swapped meanwhile. ESTALE: it has ended. ESHUTDOWN: the
   * bundle that opens it is away.
   */
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
      pause();
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
      opening = opened(provider);
    }
    opening.users++;
    return opening;
  }

  @GuardedBy("this")
  private Opening opened(DeviceProvider provider) throws BlksnapException {
    Opening fresh = new Opening(provider.open(new OpenRequest(node, readOnly, true)));
    boolean meant = false;
    try {
      sight.check();
      meant = true;
      return fresh;
    } finally {
      if (!meant) {
        fresh.retired = true;
        closeIfDone(fresh);
      }
    }
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
