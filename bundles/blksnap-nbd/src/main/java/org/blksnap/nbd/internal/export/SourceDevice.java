// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;

/**
 * The device that a source opened for one connection: foreign code, of which nothing is believed.
 * What it throws beside an IOException becomes EIO; a read that does not fill its buffer is EIO,
 * since the buffer holds what another client read before; it sees slices of our buffers alone.
 *
 * <p>States: open; barred, where every call answers ESHUTDOWN; closed, and released once, by
 * whoever closes it or by the last request under way. A device whose source has gone answers
 * ESHUTDOWN too.
 *
 * <p>The lock guards the count of requests, and belongs to one connection's device alone.
 */
final class SourceDevice implements BlockDevice, AutoCloseable {
  private interface Call<T> {
    T on(BlockDevice device) throws IOException;
  }

  private final String name;
  private final BlockDevice device;
  private final Geometry geometry;
  private final BooleanSupplier gone;
  private final Runnable release;
  private final Function<Throwable, BlksnapException> fault;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private int underWay;

  @GuardedBy("lock")
  private boolean barred;

  /** It is barred, and goes back as soon as nothing is under way. */
  @GuardedBy("lock")
  private boolean closed;

  @GuardedBy("lock")
  private boolean released;

  /** Something was written that was not flushed after. */
  private volatile boolean written;

  /**
   * {@code release} is called once, and does not throw; {@code fault} makes a failure of a request
   * of what was thrown.
   */
  SourceDevice(
      String name,
      BlockDevice device,
      Geometry geometry,
      BooleanSupplier gone,
      Runnable release,
      Function<Throwable, BlksnapException> fault) {
    this.fault = fault;
    this.name = name;
    this.device = device;
    this.geometry = geometry;
    this.gone = gone;
    this.release = release;
  }

  @Override
  public String name() {
    return name;
  }

  /** As it was when the device was opened. */
  @Override
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    call(
        foreign -> {
          ByteBuffer slice = dst.slice();
          int length = slice.remaining();
          foreign.read(slice, offset);
          if (slice.position() != length) {
            throw new BlksnapException(
                Errno.EIO,
                "source "
                    + name
                    + " read "
                    + slice.position()
                    + " of "
                    + length
                    + " bytes and said no word");
          }
          return null;
        });
    dst.position(dst.limit());
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    change(foreign -> foreign.write(src.slice().asReadOnlyBuffer(), offset, flags));
    src.position(src.limit());
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) throws IOException {
    change(foreign -> foreign.discard(offset, length, flags));
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    change(foreign -> foreign.writeZeroes(offset, length, flags));
  }

  @Override
  public void flush() throws IOException {
    call(
        foreign -> {
          flush(foreign);
          return null;
        });
  }

  private void flush(BlockDevice foreign) throws IOException {
    written = false;
    boolean flushed = false;
    try {
      foreign.flush();
      flushed = true;
    } finally {
      if (!flushed) {
        written = true;
      }
    }
  }

  @Override
  public void prefetch(long offset, long length) throws IOException {
    call(
        foreign -> {
          foreign.prefetch(offset, length);
          return null;
        });
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    call(
        foreign -> {
          foreign.transferTo(offset, length, target);
          return null;
        });
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    return call(foreign -> List.copyOf(foreign.allocation(offset, length, limit)));
  }

  private interface Change {
    void on(BlockDevice device) throws IOException;
  }

  /** Noted behind the change, since a flush that runs beside it need not have seen it. */
  private void change(Change change) throws IOException {
    call(
        foreign -> {
          try {
            change.on(foreign);
          } finally {
            written = true;
          }
          return null;
        });
  }

  private <T> T call(Call<T> call) throws IOException {
    enter();
    try {
      return call.on(device);
    } catch (IOException | OutOfMemoryError e) {
      throw e;
    } catch (Throwable e) {
      throw fault.apply(e);
    } finally {
      leave();
    }
  }

  private void enter() throws BlksnapException {
    synchronized (lock) {
      if (!barred && !gone.getAsBoolean()) {
        underWay++;
        return;
      }
    }
    throw new BlksnapException(Errno.ESHUTDOWN, "source " + name + " has gone");
  }

  private void leave() {
    synchronized (lock) {
      underWay--;
      lock.notifyAll();
    }
    releaseIfOver();
  }

  private void releaseIfOver() {
    synchronized (lock) {
      if (!closed || underWay > 0 || released) {
        return;
      }
      released = true;
    }
    release.run();
  }

  /** Bars it; it is released when nothing is under way any more. Idempotent; does not wait. */
  @Override
  public void close() {
    synchronized (lock) {
      barred = true;
      closed = true;
    }
    releaseIfOver();
  }

  /**
   * Bars it, waits for what is under way, flushes what was written and releases it: so another
   * device can go on in its place. ETIMEDOUT where something is still under way after that time. A
   * device that cannot be flushed stays as it is, barred.
   */
  void retire(Duration patience) throws IOException {
    synchronized (lock) {
      barred = true;
      if (released) {
        return;
      }
      awaitRest(patience);
      underWay++;
    }
    try {
      if (written) {
        flush(device);
      }
      synchronized (lock) {
        closed = true;
      }
    } catch (IOException | OutOfMemoryError e) {
      throw e;
    } catch (Throwable e) {
      throw fault.apply(e);
    } finally {
      leave();
    }
  }

  @GuardedBy("lock")
  private void awaitRest(Duration patience) throws BlksnapException {
    long begin = System.nanoTime();
    while (underWay > 0) {
      long left = (patience.toNanos() - (System.nanoTime() - begin)) / 1_000_000;
      if (left <= 0) {
        throw new BlksnapException(
            Errno.ETIMEDOUT,
            "source " + name + " was replaced, and requests to the old one do not end");
      }
      try {
        lock.wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BlksnapException(Errno.EINTR, "interrupted", e);
      }
    }
  }
}
