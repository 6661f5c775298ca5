// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A device or image that is used on over updates of its engine. An engine that is replaced answers
 * {@link Errno#ESTALE}, {@link Errno#ESHUTDOWN} or {@link Errno#ENODEV}; then the successor is
 * asked for, and the request is done again there. Repeating is safe: every request is idempotent,
 * and none was answered. Without a successor the request fails with ESHUTDOWN. One request tries
 * {@link #MOST_SUCCESSORS} at most, and fails as the last of them did. Requests that come while a
 * successor is looked for share that search, also where it finds none: they do not each wait as
 * long.
 *
 * <p>Thread rule: as {@link BlockDevice}. The lock guards the change of the present device alone;
 * no request holds it.
 */
public final class FollowingDevice implements BlockDevice {
  /** Finds who has taken a device's place. */
  @ConsumerType
  @FunctionalInterface
  public interface Successor {
    /**
     * The same device or image (same name, kind and identity) of the engine that is there now. May
     * wait for one as long as its user can. Empty where it no longer exists, or none came in time.
     * May say so in words of its own by failing: the request fails with that then.
     */
    Optional<BlockDevice> of(BlockDevice gone) throws IOException;
  }

  /** Successors that one request tries. */
  public static final int MOST_SUCCESSORS = 50;

  /** Before the second of them, and each later one. */
  private static final long PAUSE_MILLIS = 20;

  private final Successor successor;
  private final Object resolving = new Object();

  /** Changed under {@link #resolving} alone. */
  private volatile BlockDevice device;

  /** The last search that found nobody; null before. Changed under {@link #resolving} alone. */
  private volatile IOException fruitless;

  /** {@code first} answers until it says that it is gone. */
  public FollowingDevice(BlockDevice first, Successor successor) {
    this.device = first;
    this.successor = successor;
  }

  /** The one that answers now. */
  public BlockDevice present() {
    return device;
  }

  @Override
  public String name() {
    return device.name();
  }

  @Override
  public Geometry geometry() {
    return device.geometry();
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    int start = dst.position();
    BlockDevice now = device;
    for (int tried = 0; ; tried++) {
      try {
        now.read(dst, offset);
        return;
      } catch (BlksnapException e) {
        now = after(now, e, tried);
        dst.position(start);
      }
    }
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    int start = src.position();
    BlockDevice now = device;
    for (int tried = 0; ; tried++) {
      try {
        now.write(src, offset, flags);
        return;
      } catch (BlksnapException e) {
        now = after(now, e, tried);
        src.position(start);
      }
    }
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) throws IOException {
    again(
        now -> {
          now.discard(offset, length, flags);
          return null;
        });
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    again(
        now -> {
          now.writeZeroes(offset, length, flags);
          return null;
        });
  }

  @Override
  public void flush() throws IOException {
    again(
        now -> {
          now.flush();
          return null;
        });
  }

  @Override
  public void prefetch(long offset, long length) throws IOException {
    again(
        now -> {
          now.prefetch(offset, length);
          return null;
        });
  }

  /** In pieces, so that what the target has taken already is not sent again. */
  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    long end = length < 0 ? offset : offset + length;
    if (length < 0 || offset < 0 || end < offset || end > capacity()) {
      device.transferTo(offset, length, target);
      return;
    }
    ByteBuffer piece = ByteBuffer.allocate((int) Math.min(64 << 10, Math.max(1, length)));
    for (long at = offset; at < end; at += piece.limit()) {
      piece.clear().limit((int) Math.min(piece.capacity(), end - at));
      read(piece, at);
      piece.flip();
      WholeWrite.of(piece, target);
    }
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    return again(now -> now.allocation(offset, length, limit));
  }

  private interface Call<T> {
    T on(BlockDevice now) throws IOException;
  }

  private <T> T again(Call<T> call) throws IOException {
    BlockDevice now = device;
    for (int tried = 0; ; tried++) {
      try {
        return call.on(now);
      } catch (BlksnapException e) {
        now = after(now, e, tried);
      }
    }
  }

  private BlockDevice after(BlockDevice failed, BlksnapException failure, int tried)
      throws IOException {
    switch (failure.errno()) {
      case ESTALE, ESHUTDOWN, ENODEV -> {}
      default -> throw failure;
    }
    if (tried == MOST_SUCCESSORS) {
      throw failure;
    }
    if (tried > 0) {
      pause(failure);
    }
    IOException before = fruitless;
    synchronized (resolving) {
      if (device == failed) {
        IOException meanwhile = fruitless;
        if (meanwhile != before) {
          throw shared(meanwhile, failure);
        }
        device = successor(failed, failure);
      }
      return device;
    }
  }

  private static void pause(BlksnapException failure) throws BlksnapException {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure;
    }
  }

  /** An exception of its own for each request. */
  private static BlksnapException shared(IOException search, BlksnapException failure) {
    BlksnapException own =
        new BlksnapException(BlksnapException.errnoOf(search), search.getMessage(), search);
    own.addSuppressed(failure);
    return own;
  }

  private BlockDevice successor(BlockDevice failed, BlksnapException failure) throws IOException {
    try {
      return successor
          .of(failed)
          .filter(next -> next != failed)
          .orElseThrow(
              () -> new BlksnapException(Errno.ESHUTDOWN, failed.name() + " is no longer there"));
    } catch (IOException e) {
      fruitless = e;
      if (e != failure) {
        e.addSuppressed(failure);
      }
      throw e;
    }
  }
}
