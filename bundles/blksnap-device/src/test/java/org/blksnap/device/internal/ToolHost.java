// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;

/**
 * The host by the system's own tools (fallocate, blkdiscard, fsfreeze): slow, and real. A call
 * named in {@code failing} fails with that errno; all calls are written down.
 */
class ToolHost implements HostOperations {
  final Map<String, Errno> failing = new ConcurrentHashMap<>();
  final List<String> asked = new CopyOnWriteArrayList<>();
  final AtomicInteger openFiles = new AtomicInteger();

  /** Runs at each call, before anything else of it. */
  volatile Runnable meanwhile = () -> {};

  /** Where data begins, in ascending pairs of start and end; empty: not known to this host. */
  volatile long[] data = {};

  @Override
  public HostFile open(Path path, boolean writable, boolean exclusive) throws BlksnapException {
    call(exclusive ? "open-exclusive" : "open");
    openFiles.incrementAndGet();
    return new ToolFile(path.toString());
  }

  @Override
  public void freeze(Path mountPoint) throws BlksnapException {
    call("freeze " + mountPoint, "fsfreeze", "--freeze", mountPoint.toString());
  }

  @Override
  public void thaw(Path mountPoint) throws BlksnapException {
    call("thaw " + mountPoint, "fsfreeze", "--unfreeze", mountPoint.toString());
  }

  @Override
  public void lockMemory(ByteBuffer direct) throws BlksnapException {
    call("lockMemory");
  }

  final void call(String name, String... command) throws BlksnapException {
    asked.add(name);
    meanwhile.run();
    Errno wanted = failing.get(name);
    if (wanted != null) {
      throw new BlksnapException(wanted, name + " fails as the test wants it");
    }
    try {
      if (command.length > 0) {
        LoopDevice.run(command);
      }
    } catch (IOException | AssertionError failure) {
      throw new BlksnapException(Errno.EIO, String.valueOf(failure.getMessage()), failure);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new BlksnapException(Errno.EINTR, name, stopped);
    }
  }

  private final class ToolFile implements HostFile {
    private final String path;
    private boolean closed;

    ToolFile(String path) {
      this.path = path;
    }

    private void range(String name, String tool, String option, long offset, long length)
        throws BlksnapException {
      call(name, tool, option, "-o", "" + offset, "-l", "" + length, path);
    }

    @Override
    public void punchHole(long offset, long length) throws BlksnapException {
      range("punchHole", "fallocate", "--punch-hole", offset, length);
    }

    @Override
    public void zeroRange(long offset, long length) throws BlksnapException {
      call("zeroRange", "fallocate", "-n", "-z", "-o", "" + offset, "-l", "" + length, path);
    }

    @Override
    public void allocate(long offset, long length) throws BlksnapException {
      range("allocate", "fallocate", "--posix", offset, length);
    }

    @Override
    public void blockDiscard(long offset, long length) throws BlksnapException {
      range("blockDiscard", "blkdiscard", "--force", offset, length);
    }

    @Override
    public void blockZeroOut(long offset, long length) throws BlksnapException {
      call("blockZeroOut", "blkdiscard", "-f", "-z", "-o", "" + offset, "-l", "" + length, path);
    }

    @Override
    public long seekData(long offset) throws BlksnapException {
      call("seekData");
      for (int i = 0; i < data.length; i += 2) {
        if (offset < data[i + 1]) {
          return Math.max(offset, data[i]);
        }
      }
      return -1;
    }

    @Override
    public long seekHole(long offset) throws BlksnapException {
      call("seekHole");
      for (int i = 0; i < data.length; i += 2) {
        if (offset >= data[i] && offset < data[i + 1]) {
          return data[i + 1];
        }
      }
      return offset;
    }

    @Override
    public long blockSize64() {
      return 0;
    }

    @Override
    public int logicalBlockSize() {
      return 512;
    }

    @Override
    public int physicalBlockSize() {
      return 512;
    }

    @Override
    public int minimumIo() {
      return 512;
    }

    @Override
    public boolean rotational() {
      return false;
    }

    @Override
    public boolean readOnly() {
      return false;
    }

    @Override
    public void willNeed(long offset, long length) throws BlksnapException {
      call("willNeed");
    }

    @Override
    public long copyRange(long offset, HostFile target, long targetOffset, long length) {
      return 0;
    }

    @Override
    public synchronized void close() {
      if (!closed) {
        closed = true;
        openFiles.decrementAndGet();
      }
    }
  }
}
