// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.LockSupport;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that survives interrupts. Java closes a channel under everybody when one of the threads
 * using it is interrupted; here the channel is opened again and the request goes on where it was,
 * in the same file, whatever became of its path. The interrupted thread keeps its interrupt.
 *
 * <p>{@code channel} is replaced under the lock and read without it; {@link #close} is final.
 */
final class OpenFile implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(OpenFile.class);

  /** Times one request may find the channel closed by interrupts before it gives up. */
  static final int REOPEN_LIMIT = 64;

  /** Longest time a target may take nothing of a transfer. */
  static final long TRANSFER_STALL_NANOS = 30_000_000_000L;

  private static final long TRANSFER_PAUSE_NANOS = 50_000;

  private final Path path;
  private final StorageClaim claim;
  private volatile FileChannel channel;

  @GuardedBy("this")
  private boolean closed;

  /** {@code claim} is closed with the file. */
  OpenFile(Path path, StorageClaim claim) throws BlksnapException {
    this.path = path;
    this.claim = claim;
    this.channel = openSame();
  }

  private FileChannel openSame() throws BlksnapException {
    FileChannel opened = null;
    try {
      opened = FileChannel.open(claim.current(), StandardOpenOption.READ, StandardOpenOption.WRITE);
      claim.current(); // by path it may have been another one's turn in between
      return opened;
    } catch (IOException e) {
      closeQuietly(opened, e);
      throw Failures.of(e, path, "opening it for reading and writing");
    }
  }

  private static void closeQuietly(FileChannel opened, IOException first) {
    try {
      if (opened != null) {
        opened.close();
      }
    } catch (IOException e) {
      first.addSuppressed(e);
    }
  }

  Path path() {
    return path;
  }

  long size() throws BlksnapException {
    return enduring(FileChannel::size, "asking for its size");
  }

  void read(ByteBuffer dst, long offset) throws BlksnapException {
    transfer(dst, offset, false);
  }

  void write(ByteBuffer src, long offset) throws BlksnapException {
    transfer(src, offset, true);
  }

  private void transfer(ByteBuffer buffer, long offset, boolean writing) throws BlksnapException {
    int start = buffer.position();
    boolean interrupted = Thread.interrupted();
    int reopened = 0;
    try {
      while (buffer.hasRemaining()) {
        FileChannel used = channel;
        long at = offset + (buffer.position() - start);
        try {
          int moved = writing ? used.write(buffer, at) : used.read(buffer, at);
          if (moved < 0) {
            throw new BlksnapException(
                Errno.EIO,
                path + ": reading difference storage at byte " + at + " met the end of the file");
          }
        } catch (ClosedChannelException e) {
          interrupted |= Thread.interrupted();
          reopen(used, ++reopened, e);
        } catch (IOException e) {
          String doing = (writing ? "writing" : "reading") + " difference storage at byte " + at;
          throw Failures.of(e, path, doing);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * An interrupt in the middle of it is answered with EINTR: how much the target had taken by then
   * cannot be known.
   */
  void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    boolean interrupted = Thread.interrupted();
    long done = 0;
    long stalled = 0;
    int reopened = 0;
    try {
      while (done < length) {
        FileChannel used = channel;
        try {
          long moved = used.transferTo(offset + done, length - done, target);
          done += moved;
          stalled = moved > 0 ? 0 : pause(used, offset + done, stalled);
        } catch (ClosedChannelException e) {
          interrupted |= Thread.interrupted();
          if (!target.isOpen()) {
            throw e;
          }
          reopen(used, ++reopened, e);
          if (e instanceof ClosedByInterruptException) {
            throw new BlksnapException(
                Errno.EINTR, path + ": interrupted while sending from byte " + offset, e);
          }
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private long pause(FileChannel used, long at, long since) throws IOException {
    if (at >= used.size()) {
      throw new BlksnapException(
          Errno.EIO,
          path + ": sending difference storage at byte " + at + " met the end of the file");
    }
    long now = System.nanoTime();
    if (since != 0 && now - since > TRANSFER_STALL_NANOS) {
      throw new BlksnapException(
          Errno.ETIMEDOUT, path + ": the receiver took nothing for 30 s, at byte " + at);
    }
    LockSupport.parkNanos(TRANSFER_PAUSE_NANOS);
    return since == 0 ? now : since;
  }

  private synchronized void reopen(FileChannel broken, int times, ClosedChannelException cause)
      throws BlksnapException {
    if (closed) {
      throw new BlksnapException(Errno.ESTALE, path + ": this difference storage is closed", cause);
    }
    if (channel != broken) {
      return; // somebody else has done it
    }
    if (times > REOPEN_LIMIT) {
      throw new BlksnapException(
          Errno.EINTR, path + ": interrupted " + times + " times within one request", cause);
    }
    channel = openSame();
  }

  /** Forces what was written to disk; beside a reopening, an error says that nothing is known. */
  void force() throws BlksnapException {
    enduring(
        used -> {
          used.force(false);
          return 0;
        },
        "forcing it to disk");
  }

  /** What may be asked of the file again from the beginning. */
  private interface Question {
    long ask(FileChannel used) throws IOException;
  }

  private long enduring(Question question, String doing) throws BlksnapException {
    boolean interrupted = Thread.interrupted();
    int reopened = 0;
    try {
      while (true) {
        FileChannel used = channel;
        try {
          return question.ask(used);
        } catch (ClosedChannelException e) {
          interrupted |= Thread.interrupted();
          reopen(used, ++reopened, e);
        } catch (IOException e) {
          throw Failures.of(e, path, doing);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try (claim) {
      channel.close();
    } catch (IOException e) {
      LOG.warn("{}: closing it failed: {}", path, e.toString());
    }
  }
}
