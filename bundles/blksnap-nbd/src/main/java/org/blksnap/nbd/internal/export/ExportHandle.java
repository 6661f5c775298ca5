// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;

/**
 * One connection's way to its device, across updates of the engine.
 *
 * <p>A device that answers ESTALE, ESHUTDOWN or ENODEV belongs to an engine that is gone; its
 * successor is looked for by name, kind and identity, waiting as long as {@link Exports} does, and
 * the request is done again there. Repeating is safe: every request is idempotent and none was
 * answered. Without a successor the request fails with ESHUTDOWN.
 */
public final class ExportHandle {
  private final Exports exports;
  private final Object resolving = new Object();

  @GuardedBy("resolving")
  private Target target;

  private volatile BlockDevice device;

  public ExportHandle(Exports exports, Target target) {
    this.exports = exports;
    this.target = target;
    this.device = target.device();
  }

  public void read(ByteBuffer dst, long offset) throws IOException {
    int start = dst.position();
    BlockDevice now = device;
    while (true) {
      try {
        now.read(dst, offset);
        return;
      } catch (BlksnapException e) {
        now = successor(now, e);
        dst.position(start);
      }
    }
  }

  public void write(ByteBuffer src, long offset, int flags) throws IOException {
    int start = src.position();
    BlockDevice now = device;
    while (true) {
      try {
        now.write(src, offset, flags);
        return;
      } catch (BlksnapException e) {
        now = successor(now, e);
        src.position(start);
      }
    }
  }

  public void discard(long offset, long length, int flags) throws IOException {
    again(
        now -> {
          now.discard(offset, length, flags);
          return null;
        });
  }

  public void writeZeroes(long offset, long length, int flags) throws IOException {
    again(
        now -> {
          now.writeZeroes(offset, length, flags);
          return null;
        });
  }

  public void flush() throws IOException {
    again(
        now -> {
          now.flush();
          return null;
        });
  }

  public void prefetch(long offset, long length) throws IOException {
    again(
        now -> {
          now.prefetch(offset, length);
          return null;
        });
  }

  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    return again(now -> now.allocation(offset, length, limit));
  }

  private interface Call<T> {
    T on(BlockDevice now) throws IOException;
  }

  private <T> T again(Call<T> call) throws IOException {
    BlockDevice now = device;
    while (true) {
      try {
        return call.on(now);
      } catch (BlksnapException e) {
        now = successor(now, e);
      }
    }
  }

  private BlockDevice successor(BlockDevice failed, BlksnapException failure)
      throws BlksnapException {
    switch (failure.errno()) {
      case ESTALE, ESHUTDOWN, ENODEV -> {}
      default -> throw failure;
    }
    synchronized (resolving) {
      if (device != failed) {
        return device;
      }
      Target next =
          exports
              .again(target)
              .orElseThrow(
                  () ->
                      new BlksnapException(
                          Errno.ESHUTDOWN,
                          target.kind() + " " + target.name() + " is no longer there",
                          failure));
      target = next;
      device = next.device();
      return next.device();
    }
  }
}
