// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import com.sun.jna.Native;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The C library through JNA's direct mapping: a failing call costs no exception, its errno is asked
 * for at once on the same thread.
 *
 * <p>ioctl, fcntl and open are variadic in C; on the two supported architectures integers and
 * pointers travel the same way either way.
 */
final class LibcCalls implements NativeCalls {
  /** The mapped methods, apart from this class so that loading it can fail and be explained. */
  private static final class Libc {
    static native int open(String path, int flags);

    static native int close(int fd);

    static native int ioctl(int fd, long request, long[] argument);

    static native int fallocate(int fd, int mode, long offset, long length);

    static native long lseek(int fd, long offset, int whence);

    static native int posix_fadvise(int fd, long offset, long length, int advice);

    static native long copy_file_range(
        int from, long[] fromOffset, int to, long[] toOffset, long length, int flags);

    static native int fcntl(int fd, int command, long[] argument);

    static native int flock(int fd, int operation);

    static native int mlock(Pointer address, long length);

    private Libc() {}
  }

  private LibcCalls() {}

  /** ENOSYS where this platform or installation cannot; the message says why and what to do. */
  static NativeCalls load() throws BlksnapException {
    try {
      if (!Platform.isLinux()
          || Native.POINTER_SIZE != Long.BYTES
          || ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
        throw new BlksnapException(
            Errno.ENOSYS,
            "native access refused on "
                + System.getProperty("os.name")
                + " "
                + System.getProperty("os.arch")
                + ": only 64-bit little-endian Linux is known (x86-64, arm64)");
      }
      Native.register(Libc.class, Platform.C_LIBRARY_NAME);
      return new LibcCalls();
    } catch (LinkageError | RuntimeException failure) {
      throw new BlksnapException(
          Errno.ENOSYS,
          "native access not possible: "
              + failure
              + "; JNA needs a directory it may write to and run code from: set"
              + " -Djna.tmpdir=<such a directory>",
          failure);
    }
  }

  @Override
  public int open(String path, int flags) {
    return result(Libc.open(path, flags));
  }

  @Override
  public int close(int fd) {
    return result(Libc.close(fd));
  }

  @Override
  public int ioctl(int fd, long request, long[] argument) {
    return result(Libc.ioctl(fd, request, argument));
  }

  @Override
  public int fallocate(int fd, int mode, long offset, long length) {
    return result(Libc.fallocate(fd, mode, offset, length));
  }

  @Override
  public long seek(int fd, long offset, int whence) {
    return result(Libc.lseek(fd, offset, whence));
  }

  /** posix_fadvise answers the errno itself and leaves errno alone. */
  @Override
  public int advise(int fd, long offset, long length, int advice) {
    return -Libc.posix_fadvise(fd, offset, length, advice);
  }

  @Override
  public long copyFileRange(int from, long fromOffset, int to, long toOffset, long length) {
    return result(
        Libc.copy_file_range(from, new long[] {fromOffset}, to, new long[] {toOffset}, length, 0));
  }

  @Override
  public int lock(int fd, int command, long[] flock) {
    return result(Libc.fcntl(fd, command, flock));
  }

  @Override
  public int flock(int fd, int operation) {
    return result(Libc.flock(fd, operation));
  }

  @Override
  public int lockMemory(ByteBuffer direct) {
    Pointer address = Native.getDirectBufferPointer(direct);
    return result(Libc.mlock(address, direct.capacity()));
  }

  private static int result(int answer) {
    return answer < 0 ? -Native.getLastError() : answer;
  }

  private static long result(long answer) {
    return answer < 0 ? -Native.getLastError() : answer;
  }
}
