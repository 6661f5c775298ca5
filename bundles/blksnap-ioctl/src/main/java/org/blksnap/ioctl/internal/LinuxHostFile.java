// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;

/**
 * One file descriptor.
 *
 * <p>States: open with n calls under way (n ≥ 0), closing with n calls under way (n > 0), closed.
 * All three are in one integer: the count, and the top bit for closing. Invariant: the descriptor
 * is given back by exactly one thread, when the top bit is set and the count is zero; so no call
 * ever sees a descriptor that now is another file's. A call that begins after close answers EBADF;
 * one that began before ends on its own file.
 *
 * <p>Left out: making a call under way return early. The kernel offers no such thing for these.
 */
final class LinuxHostFile implements HostFile {
  /** How often a call that a signal broke off is made again. */
  static final int SIGNAL_RETRIES = 100;

  /** Most bytes handed to one copy_file_range, so that no single call takes minutes. */
  static final long COPY_PIECE = 1L << 30;

  private static final int CLOSING = 0x8000_0000;

  private final NativeCalls calls;
  private final String path;
  private final int fd;
  private final AtomicInteger uses = new AtomicInteger();

  LinuxHostFile(NativeCalls calls, String path, int fd) {
    this.calls = calls;
    this.path = path;
    this.fd = fd;
  }

  @Override
  public void punchHole(long offset, long length) throws BlksnapException {
    fallocate(
        "fallocate(PUNCH_HOLE)",
        LinuxAbi.FALLOC_PUNCH_HOLE | LinuxAbi.FALLOC_KEEP_SIZE,
        offset,
        length);
  }

  @Override
  public void zeroRange(long offset, long length) throws BlksnapException {
    fallocate(
        "fallocate(ZERO_RANGE)",
        LinuxAbi.FALLOC_ZERO_RANGE | LinuxAbi.FALLOC_KEEP_SIZE,
        offset,
        length);
  }

  @Override
  public void allocate(long offset, long length) throws BlksnapException {
    fallocate("fallocate", 0, offset, length);
  }

  @Override
  public void blockDiscard(long offset, long length) throws BlksnapException {
    blockRange("BLKDISCARD", LinuxAbi.BLKDISCARD, offset, length);
  }

  @Override
  public void blockZeroOut(long offset, long length) throws BlksnapException {
    blockRange("BLKZEROOUT", LinuxAbi.BLKZEROOUT, offset, length);
  }

  @Override
  public long seekData(long offset) throws BlksnapException {
    return seek("lseek(SEEK_DATA)", offset, LinuxAbi.SEEK_DATA);
  }

  @Override
  public long seekHole(long offset) throws BlksnapException {
    return seek("lseek(SEEK_HOLE)", offset, LinuxAbi.SEEK_HOLE);
  }

  @Override
  public long blockSize64() throws BlksnapException {
    return query("BLKGETSIZE64", LinuxAbi.BLKGETSIZE64);
  }

  @Override
  public int logicalBlockSize() throws BlksnapException {
    return (int) query("BLKSSZGET", LinuxAbi.BLKSSZGET);
  }

  @Override
  public int physicalBlockSize() throws BlksnapException {
    return (int) query("BLKPBSZGET", LinuxAbi.BLKPBSZGET);
  }

  @Override
  public int minimumIo() throws BlksnapException {
    return (int) query("BLKIOMIN", LinuxAbi.BLKIOMIN);
  }

  @Override
  public boolean rotational() throws BlksnapException {
    return query("BLKROTATIONAL", LinuxAbi.BLKROTATIONAL) != 0;
  }

  @Override
  public boolean readOnly() throws BlksnapException {
    return query("BLKROGET", LinuxAbi.BLKROGET) != 0;
  }

  @Override
  public void willNeed(long offset, long length) throws BlksnapException {
    begin("posix_fadvise");
    try {
      int answer = calls.advise(fd, offset, length, LinuxAbi.POSIX_FADV_WILLNEED);
      if (answer < 0) {
        throw CallFailure.of("posix_fadvise(WILLNEED)", path, offset, length, answer);
      }
    } finally {
      end();
    }
  }

  @Override
  public long copyRange(long offset, HostFile target, long targetOffset, long length)
      throws BlksnapException {
    if (!(target instanceof LinuxHostFile to)) {
      throw new BlksnapException(
          Errno.EINVAL,
          "copy from " + path + ": the target was not opened by this host; open both with it");
    }
    if (length <= 0) {
      return 0;
    }
    begin("copy_file_range");
    try {
      to.begin("copy_file_range");
      try {
        long[] clone = {fd, offset, length, targetOffset};
        return calls.ioctl(to.fd, LinuxAbi.FICLONERANGE, clone) >= 0
            ? length
            : copyBytes(offset, to, targetOffset, length);
      } finally {
        to.end();
      }
    } finally {
      end();
    }
  }

  /** Both files are in use already. Ends early at the source's end. */
  private long copyBytes(long offset, LinuxHostFile to, long targetOffset, long length)
      throws BlksnapException {
    long done = 0;
    int broken = 0;
    while (done < length) {
      long piece = Math.min(length - done, COPY_PIECE);
      long answer = calls.copyFileRange(fd, offset + done, to.fd, targetOffset + done, piece);
      if (answer > 0) {
        done += answer;
      } else if (answer == 0) {
        break;
      } else if (answer != -Errno.EINTR.code() || ++broken > SIGNAL_RETRIES) {
        if (done > 0) {
          break;
        }
        throw CallFailure.of("copy_file_range to " + to.path, path, offset, length, answer);
      }
    }
    return done;
  }

  @Override
  public void close() {
    int before = uses.getAndUpdate(state -> state | CLOSING);
    if (before == 0) {
      calls.close(fd);
    }
  }

  @Override
  public String toString() {
    return path;
  }

  private void fallocate(String name, int mode, long offset, long length) throws BlksnapException {
    begin(name);
    try {
      int answer;
      int broken = 0;
      do {
        answer = calls.fallocate(fd, mode, offset, length);
      } while (answer == -Errno.EINTR.code() && ++broken <= SIGNAL_RETRIES);
      if (answer < 0) {
        throw CallFailure.of(name, path, offset, length, answer);
      }
    } finally {
      end();
    }
  }

  @Override
  public boolean lock(long offset, long length, boolean exclusive) throws BlksnapException {
    begin("fcntl(F_OFD_SETLK)");
    try {
      int answer = calls.lock(fd, LinuxAbi.F_OFD_SETLK, range(exclusive, offset, length));
      return taken("fcntl(F_OFD_SETLK)", offset, length, answer);
    } finally {
      end();
    }
  }

  @Override
  public boolean lockable(long offset, long length, boolean exclusive) throws BlksnapException {
    begin("fcntl(F_OFD_GETLK)");
    try {
      long[] flock = range(exclusive, offset, length);
      int answer = calls.lock(fd, LinuxAbi.F_OFD_GETLK, flock);
      if (answer < 0) {
        throw CallFailure.of("fcntl(F_OFD_GETLK)", path, offset, length, answer);
      }
      return (short) flock[0] == LinuxAbi.F_UNLCK;
    } finally {
      end();
    }
  }

  @Override
  public boolean lockWhole(boolean exclusive) throws BlksnapException {
    begin("flock");
    try {
      int wanted = exclusive ? LinuxAbi.LOCK_EX : LinuxAbi.LOCK_SH;
      return taken("flock", 0, 0, calls.flock(fd, wanted | LinuxAbi.LOCK_NB));
    } finally {
      end();
    }
  }

  @Override
  public List<ByteRange> extents(long offset, long length) throws BlksnapException {
    begin("FS_IOC_FIEMAP");
    try {
      return FileBlocks.extents(calls, path, fd, offset, length);
    } finally {
      end();
    }
  }

  @Override
  public void setImmutable(boolean immutable) throws BlksnapException {
    begin("FS_IOC_SETFLAGS");
    try {
      FileBlocks.setImmutable(calls, path, fd, immutable);
    } finally {
      end();
    }
  }

  @Override
  public Path descriptor() throws BlksnapException {
    begin("descriptor");
    end();
    return Path.of("/proc/self/fd/" + fd);
  }

  private static long[] range(boolean exclusive, long offset, long length) {
    return new long[] {exclusive ? LinuxAbi.F_WRLCK : LinuxAbi.F_RDLCK, offset, length, 0};
  }

  private boolean taken(String name, long offset, long length, int answer) throws BlksnapException {
    if (answer >= 0) {
      return true;
    }
    if (answer == -Errno.EAGAIN.code() || answer == -Errno.EACCES.code()) {
      return false;
    }
    throw CallFailure.of(name, path, offset, length, answer);
  }

  private void blockRange(String name, long request, long offset, long length)
      throws BlksnapException {
    begin(name);
    try {
      int answer = calls.ioctl(fd, request, new long[] {offset, length});
      if (answer < 0) {
        throw CallFailure.of(name, path, offset, length, answer);
      }
    } finally {
      end();
    }
  }

  private long seek(String name, long offset, int whence) throws BlksnapException {
    begin(name);
    try {
      long answer = calls.seek(fd, offset, whence);
      if (answer == -Errno.ENXIO.code()) {
        return -1;
      }
      if (answer < 0) {
        throw CallFailure.of(name + " from " + offset, path, answer);
      }
      return answer;
    } finally {
      end();
    }
  }

  private long query(String name, long request) throws BlksnapException {
    begin(name);
    try {
      long[] value = {0};
      int answer = calls.ioctl(fd, request, value);
      if (answer < 0) {
        throw CallFailure.of(name, path, answer);
      }
      return value[0];
    } finally {
      end();
    }
  }

  private void begin(String name) throws BlksnapException {
    int before = uses.getAndUpdate(state -> state < 0 ? state : state + 1);
    if (before < 0) {
      throw CallFailure.of(name, path + " (closed)", -Errno.EBADF.code());
    }
  }

  private void end() {
    if (uses.decrementAndGet() == CLOSING) {
      calls.close(fd);
    }
  }
}
