// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.contract.LoopDevice;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;

/**
 * The host by the system's own tools (fallocate, blkdiscard, blockdev, fsfreeze): slow, and real.
 * An exclusive claim holds among these hosts alone. A call named in {@code failing} fails with that
 * errno; all calls are written down.
 */
class ToolHost implements HostOperations {
  private static final int PAGE = 4096;
  private static final int SECTOR = 512;
  private static final byte[] EMPTY = new byte[PAGE];

  /** What the tools print, and what it stands for. */
  private static final Map<String, Errno> SAID =
      Map.of(
          "resource busy", Errno.EBUSY,
          "Invalid argument", Errno.EINVAL,
          "not supported", Errno.EOPNOTSUPP,
          "unsupported", Errno.EOPNOTSUPP,
          "No such file", Errno.ENOENT);

  /** Devices claimed exclusively, through whichever of these hosts. */
  private static final Set<Path> CLAIMED = ConcurrentHashMap.newKeySet();

  final Map<String, Errno> failing = new ConcurrentHashMap<>();
  final List<String> asked = new CopyOnWriteArrayList<>();
  final AtomicInteger openFiles = new AtomicInteger();

  /** Runs at each call, before anything else of it. */
  volatile Runnable meanwhile = () -> {};

  /** Where data begins, in ascending pairs of start and end; empty: where there are no zeroes. */
  volatile long[] data = {};

  @Override
  public HostFile open(Path path, boolean writable, boolean exclusive) throws BlksnapException {
    call(exclusive ? "open-exclusive" : "open");
    if (!Files.exists(path)) {
      throw new BlksnapException(Errno.ENOENT, path + " is not there");
    }
    boolean claims = exclusive && !Files.isRegularFile(path);
    if (claims && (mounted(path) || !CLAIMED.add(path))) {
      throw new BlksnapException(Errno.EBUSY, path + " is mounted or claimed");
    }
    HostFile file = new ToolFile(path, writable, claims);
    openFiles.incrementAndGet();
    return file;
  }

  private static boolean mounted(Path device) throws BlksnapException {
    try {
      return Files.readString(Path.of("/proc/self/mounts")).contains(device + " ");
    } catch (IOException e) {
      throw new BlksnapException(Errno.EIO, "mounts are not known", e);
    }
  }

  @Override
  public void freeze(Path mountPoint) throws BlksnapException {
    call("freeze " + mountPoint);
    tool("fsfreeze", "--freeze", mountPoint.toString());
  }

  @Override
  public void thaw(Path mountPoint) throws BlksnapException {
    call("thaw " + mountPoint);
    tool("fsfreeze", "--unfreeze", mountPoint.toString());
  }

  @Override
  public void lockMemory(ByteBuffer direct) throws BlksnapException {
    call("lockMemory");
  }

  final void call(String name) throws BlksnapException {
    asked.add(name);
    meanwhile.run();
    Errno wanted = failing.get(name);
    if (wanted != null) {
      throw new BlksnapException(wanted, name + " fails as the test wants it");
    }
  }

  private static String tool(String... command) throws BlksnapException {
    try {
      return LoopDevice.run(command).strip();
    } catch (IOException | AssertionError failure) {
      String said = String.valueOf(failure.getMessage());
      for (Map.Entry<String, Errno> known : SAID.entrySet()) {
        if (said.contains(known.getKey())) {
          throw new BlksnapException(known.getValue(), said, failure);
        }
      }
      throw new BlksnapException(Errno.EIO, said, failure);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new BlksnapException(Errno.EINTR, command[0], stopped);
    }
  }

  private final class ToolFile implements HostFile {
    private final Path path;
    private final boolean writable;
    private final boolean claims;
    private volatile boolean closed;

    private final HeldDescriptor held;

    ToolFile(Path path, boolean writable, boolean claims) throws BlksnapException {
      this.path = path;
      this.writable = writable;
      this.claims = claims;
      this.held = new HeldDescriptor(path, writable);
    }

    private void requireOpen() throws BlksnapException {
      if (closed) {
        throw new BlksnapException(Errno.EBADF, path + " is closed");
      }
    }

    private void change(String name, long offset, long length, String... command)
        throws BlksnapException {
      call(name);
      requireOpen();
      if (!writable) {
        throw new BlksnapException(Errno.EBADF, path + " is open for reading alone");
      }
      String[] whole = Arrays.copyOf(command, command.length + 5);
      System.arraycopy(
          new String[] {"-o", "" + offset, "-l", "" + length, path.toString()},
          0,
          whole,
          command.length,
          5);
      tool(whole);
    }

    /** For block devices, and whole sectors, alone. */
    private void blockChange(String name, long offset, long length, String... command)
        throws BlksnapException {
      requireBlockDevice();
      if ((offset | length) % SECTOR != 0) {
        throw new BlksnapException(Errno.EINVAL, offset + " or " + length + " is not aligned");
      }
      change(name, offset, length, command);
    }

    private void requireBlockDevice() throws BlksnapException {
      requireOpen();
      if (Files.isRegularFile(path)) {
        throw new BlksnapException(Errno.ENOTTY, path + " is no block device");
      }
    }

    private long ask(String option) throws BlksnapException {
      requireBlockDevice();
      return Long.parseLong(tool("blockdev", option, path.toString()));
    }

    @Override
    public void punchHole(long offset, long length) throws BlksnapException {
      change("punchHole", offset, length, "fallocate", "--punch-hole");
    }

    @Override
    public void zeroRange(long offset, long length) throws BlksnapException {
      change("zeroRange", offset, length, "fallocate", "-n", "-z");
    }

    @Override
    public void allocate(long offset, long length) throws BlksnapException {
      change("allocate", offset, length, "fallocate", "--posix");
    }

    @Override
    public void blockDiscard(long offset, long length) throws BlksnapException {
      blockChange("blockDiscard", offset, length, "blkdiscard", "--force");
    }

    @Override
    public void blockZeroOut(long offset, long length) throws BlksnapException {
      blockChange("blockZeroOut", offset, length, "blkdiscard", "-f", "-z");
    }

    @Override
    public long seekData(long offset) throws BlksnapException {
      call("seekData");
      return data.length == 0 ? scan(offset, true) : plannedData(offset);
    }

    @Override
    public long seekHole(long offset) throws BlksnapException {
      call("seekHole");
      return data.length == 0 ? scan(offset, false) : plannedHole(offset);
    }

    private long plannedData(long offset) {
      for (int i = 0; i < data.length; i += 2) {
        if (offset < data[i + 1]) {
          return Math.max(offset, data[i]);
        }
      }
      return -1;
    }

    private long plannedHole(long offset) {
      for (int i = 0; i < data.length; i += 2) {
        if (offset >= data[i] && offset < data[i + 1]) {
          return data[i + 1];
        }
      }
      return offset;
    }

    /** The first page with data, or without, at or behind the offset; -1 where there is none. */
    private long scan(long offset, boolean wantsData) throws BlksnapException {
      requireOpen();
      try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
        long end = file.size();
        ByteBuffer page = ByteBuffer.allocate(PAGE);
        for (long at = offset; at < end; at = (at / PAGE + 1) * PAGE) {
          file.read(page.clear(), at / PAGE * PAGE);
          boolean zero = Arrays.equals(page.array(), 0, page.position(), EMPTY, 0, page.position());
          if (zero != wantsData) {
            return at;
          }
        }
        return wantsData || offset >= end ? -1 : end;
      } catch (IOException e) {
        throw new BlksnapException(Errno.EIO, path + " was not read", e);
      }
    }

    @Override
    public long blockSize64() throws BlksnapException {
      return ask("--getsize64");
    }

    @Override
    public int logicalBlockSize() throws BlksnapException {
      return (int) ask("--getss");
    }

    @Override
    public int physicalBlockSize() throws BlksnapException {
      return (int) ask("--getpbsz");
    }

    @Override
    public int minimumIo() throws BlksnapException {
      return (int) ask("--getiomin");
    }

    @Override
    public boolean rotational() throws BlksnapException {
      requireBlockDevice();
      return tool("lsblk", "-dno", "ROTA", path.toString()).equals("1");
    }

    @Override
    public boolean readOnly() throws BlksnapException {
      return ask("--getro") == 1;
    }

    @Override
    public void willNeed(long offset, long length) throws BlksnapException {
      call("willNeed");
      requireOpen();
    }

    @Override
    public long copyRange(long offset, HostFile target, long targetOffset, long length)
        throws BlksnapException {
      requireOpen();
      ToolFile into = (ToolFile) target;
      into.requireOpen();
      try (FileChannel from = FileChannel.open(path, StandardOpenOption.READ);
          FileChannel to = FileChannel.open(into.path, StandardOpenOption.WRITE)) {
        return from.transferTo(offset, length, to.position(targetOffset));
      } catch (IOException e) {
        throw new BlksnapException(Errno.EIO, path + " was not copied", e);
      }
    }

    private HeldDescriptor held() throws BlksnapException {
      requireOpen();
      return held;
    }

    @Override
    public boolean lock(long offset, long length, boolean exclusive) throws BlksnapException {
      return held().lock(offset, length, exclusive, true);
    }

    @Override
    public boolean lockable(long offset, long length, boolean exclusive) throws BlksnapException {
      return held().lock(offset, length, exclusive, false);
    }

    @Override
    public boolean lockWhole(boolean exclusive) throws BlksnapException {
      return held().flock(exclusive);
    }

    @Override
    public Path descriptor() throws BlksnapException {
      return held().descriptor();
    }

    @Override
    public synchronized void close() {
      if (!closed) {
        closed = true;
        held.close();
        if (claims) {
          CLAIMED.remove(path);
        }
        openFiles.decrementAndGet();
      }
    }
  }
}
