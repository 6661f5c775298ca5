// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * A file channel that an interrupted thread cannot take away from the others.
 *
 * <p>The runtime closes a file channel when a thread that uses it is interrupted. Here a thread
 * puts its interrupt status aside while it does its I/O and takes it up again afterwards; so only
 * an interrupt that comes in the middle closes the channel. Whoever meets the closed channel opens
 * the next one (once: under the lock the others find it done) and repeats its request, which is
 * harmless, as a positional read or write is the same the second time.
 *
 * <p>States: open, broken (the channel is closed, this is not), closed. Invariant: once {@code
 * closed} is set no channel is opened any more. Only a transfer cannot be repeated after an
 * interrupt, since what reached the target is not known: it answers EINTR.
 *
 * <p>Requests share no lock of this class; they read one volatile field.
 */
final class EnduringChannel implements AutoCloseable {
  /** How often one request goes on after somebody's interrupt closed the channel under it. */
  static final int REOPEN_LIMIT = 1000;

  /** Most bytes given to the kernel in one transfer. */
  private static final int TRANSFER_PIECE = 1 << 30;

  /** Opens the same file again, or fails where it is not the same any more. */
  interface Opener {
    FileChannel open() throws IOException;
  }

  private interface Action {
    long run(FileChannel channel) throws IOException;
  }

  private final Path path;
  private final Opener opener;
  private final Object reopening = new Object();
  private volatile FileChannel channel;

  @GuardedBy("reopening")
  private boolean closed;

  @GuardedBy("reopening")
  private long replaced;

  EnduringChannel(Path path, Opener opener) throws IOException {
    this.path = path;
    this.opener = opener;
    this.channel = opener.open();
  }

  void read(ByteBuffer dst, long offset) throws IOException {
    boolean interrupted = Thread.interrupted();
    FileChannel current = channel;
    int reopened = 0;
    long at = offset;
    try {
      while (dst.hasRemaining()) {
        int start = dst.position();
        try {
          int moved = current.read(dst, at);
          if (moved <= 0) {
            LastSector.requireInside(current, path, "read", at, dst.remaining());
            moved = LastSector.fill(dst);
          }
          at += moved;
        } catch (ClosedChannelException broken) {
          dst.position(start);
          interrupted |= Thread.interrupted();
          current = replace(current, ++reopened);
        }
      }
    } catch (IOException failure) {
      throw IoFailure.during("read", path, at, failure);
    } finally {
      restore(interrupted);
    }
  }

  void write(ByteBuffer src, long offset) throws IOException {
    boolean interrupted = Thread.interrupted();
    FileChannel current = channel;
    int reopened = 0;
    long at = offset;
    try {
      while (src.hasRemaining()) {
        int start = src.position();
        try {
          int moved = current.write(src, at);
          if (moved <= 0) {
            throw LastSector.endReached(path, "write", at, src.remaining());
          }
          at += moved;
        } catch (ClosedChannelException broken) {
          src.position(start);
          interrupted |= Thread.interrupted();
          current = replace(current, ++reopened);
        }
      }
    } catch (IOException failure) {
      throw IoFailure.during("write", path, at, failure);
    } finally {
      restore(interrupted);
    }
  }

  void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    boolean interrupted = Thread.interrupted();
    FileChannel current = channel;
    int reopened = 0;
    long at = offset;
    long end = offset + length;
    try {
      while (at < end) {
        try {
          long moved = current.transferTo(at, Math.min(end - at, TRANSFER_PIECE), target);
          if (moved <= 0) {
            LastSector.requireInside(current, path, "transfer", at, end - at);
            moved = LastSector.send(target, end - at);
          }
          at += moved;
        } catch (ClosedByInterruptException midway) {
          interrupted = true;
          throw new BlksnapException(
              Errno.EINTR,
              "transfer of " + path + " interrupted at " + at + " or later; close the target",
              midway);
        } catch (ClosedChannelException broken) {
          if (current.isOpen()) {
            throw broken;
          }
          current = replace(current, ++reopened);
        }
      }
    } catch (ClosedChannelException targetClosed) {
      throw targetClosed;
    } catch (IOException failure) {
      throw IoFailure.during("transfer", path, at, failure);
    } finally {
      restore(interrupted | Thread.interrupted());
    }
  }

  /** fdatasync. */
  void force() throws IOException {
    run(
        "flush",
        current -> {
          current.force(false);
          return 0;
        });
  }

  long size() throws IOException {
    return run("size", FileChannel::size);
  }

  @Override
  public void close() throws IOException {
    synchronized (reopening) {
      closed = true;
      channel.close();
    }
  }

  /** How often an interrupt made another channel necessary. */
  long replaced() {
    synchronized (reopening) {
      return replaced;
    }
  }

  private long run(String what, Action action) throws IOException {
    boolean interrupted = Thread.interrupted();
    FileChannel current = channel;
    int reopened = 0;
    try {
      while (true) {
        try {
          return action.run(current);
        } catch (ClosedChannelException broken) {
          interrupted |= Thread.interrupted();
          current = replace(current, ++reopened);
        }
      }
    } catch (IOException failure) {
      throw IoFailure.during(what, path, 0, failure);
    } finally {
      restore(interrupted);
    }
  }

  private FileChannel replace(FileChannel broken, int count) throws IOException {
    if (count > REOPEN_LIMIT) {
      throw new BlksnapException(
          Errno.EIO,
          path + " was closed by interrupts " + count + " times during one request; stop them");
    }
    synchronized (reopening) {
      if (closed) {
        throw new BlksnapException(Errno.ESHUTDOWN, path + " is closed; open it again");
      }
      if (channel == broken || !channel.isOpen()) {
        channel = opener.open();
        replaced++;
      }
      return channel;
    }
  }

  private static void restore(boolean interrupted) {
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
