// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.file;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * A file that an interrupted thread cannot take away from the others.
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
public final class EnduringFile implements AutoCloseable {
  /** How often one request goes on after somebody's interrupt closed the channel under it. */
  static final int REOPEN_LIMIT = 1000;

  /** Longest time the target of a transfer may take nothing: 30 s. */
  static final long TRANSFER_STALL_NANOS = 30_000_000_000L;

  private static final long TRANSFER_PAUSE_NANOS = 50_000;

  /** Most bytes given to the kernel in one transfer. */
  private static final int TRANSFER_PIECE = 1 << 30;

  /** Where the file ends for its readers. */
  public enum End {
    /** With its last byte: what is read behind it is EIO. */
    BYTE,
    /** With the sector of its last byte, see {@link LastSector}. */
    SECTOR
  }

  /** Opens the same file again, or fails where it is not the same any more. */
  public interface Opener {
    FileChannel open() throws IOException;
  }

  private interface Action {
    long run(FileChannel channel) throws IOException;
  }

  private final Path path;
  private final Opener opener;
  private final End end;
  private final Errno onceClosed;
  private final Object reopening = new Object();
  private volatile FileChannel channel;

  @GuardedBy("reopening")
  private boolean closed;

  @GuardedBy("reopening")
  private long replaced;

  /** Opens it. {@code onceClosed} answers whatever is asked after {@link #close}. */
  public EnduringFile(Path path, Opener opener, End end, Errno onceClosed) throws IOException {
    this.path = path;
    this.opener = opener;
    this.end = end;
    this.onceClosed = onceClosed;
    this.channel = opener.open();
  }

  /** Fills the buffer. EIO where the file ends before. */
  public void read(ByteBuffer dst, long offset) throws IOException {
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
            requireInside(current, "read", at, dst.remaining());
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
      throw during("read", at, failure);
    } finally {
      restore(interrupted);
    }
  }

  /** Writes all of the buffer. */
  public void write(ByteBuffer src, long offset) throws IOException {
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
      throw during("write", at, failure);
    } finally {
      restore(interrupted);
    }
  }

  /**
   * Sends a range. EINTR after an interrupt in the midst of it, ETIMEDOUT where the target takes
   * nothing for 30 s, {@link ClosedChannelException} where the target is closed.
   */
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    boolean interrupted = Thread.interrupted();
    FileChannel current = channel;
    int reopened = 0;
    long at = offset;
    long stop = offset + length;
    long stalled = 0;
    try {
      while (at < stop) {
        try {
          long moved = current.transferTo(at, Math.min(stop - at, TRANSFER_PIECE), target);
          if (moved <= 0 && at >= current.size()) {
            requireInside(current, "transfer", at, stop - at);
            moved = LastSector.send(target, stop - at);
          }
          at += moved;
          stalled = moved > 0 ? 0 : pause(at, stalled);
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
          interrupted |= Thread.interrupted();
          current = replace(current, ++reopened);
        }
      }
    } catch (ClosedChannelException targetClosed) {
      throw targetClosed;
    } catch (IOException failure) {
      throw during("transfer", at, failure);
    } finally {
      restore(interrupted | Thread.interrupted());
    }
  }

  /** Since when the target takes nothing; 0 is not at all. */
  private long pause(long at, long since) throws BlksnapException {
    long now = System.nanoTime();
    if (since != 0 && now - since > TRANSFER_STALL_NANOS) {
      throw new BlksnapException(
          Errno.ETIMEDOUT,
          "transfer of " + path + " at " + at + " ended: its receiver took nothing for 30 s");
    }
    LockSupport.parkNanos(TRANSFER_PAUSE_NANOS);
    return since == 0 ? now | 1 : since;
  }

  /** fdatasync; beside a reopening, an error says that nothing is known. */
  public void force() throws IOException {
    run(
        "flush",
        current -> {
          current.force(false);
          return 0;
        });
  }

  /** Bytes the file or block device has. */
  public long size() throws IOException {
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
  public long replaced() {
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
      throw during(what, 0, failure);
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
        throw new BlksnapException(onceClosed, path + " is closed; open it again");
      }
      if (channel == broken || !channel.isOpen()) {
        channel = opener.open();
        replaced++;
      }
      return channel;
    }
  }

  /** EIO where the file ends before all that is asked for. */
  private void requireInside(FileChannel current, String what, long at, long length)
      throws IOException {
    if (end == End.BYTE) {
      throw LastSector.endReached(path, what, at, length);
    }
    LastSector.requireInside(current, path, what, at, length);
  }

  private BlksnapException during(String what, long offset, IOException failure) {
    if (failure instanceof BlksnapException known) {
      return known;
    }
    return new BlksnapException(
        BlksnapException.errnoOf(failure),
        what + " of " + path + " at " + offset + " failed: " + failure.getMessage(),
        failure);
  }

  private static void restore(boolean interrupted) {
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
