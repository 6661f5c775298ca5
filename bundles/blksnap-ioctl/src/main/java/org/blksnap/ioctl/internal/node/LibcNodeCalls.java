// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import com.sun.jna.Native;
import com.sun.jna.Platform;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The C library through JNA's direct mapping. open and prctl are variadic in C; on the two
 * supported architectures integers and pointers travel the same way either way.
 */
final class LibcNodeCalls implements NodeCalls {
  /** The mapped methods, apart so that loading them can fail and be explained. */
  private static final class Libc {
    static native int socket(int domain, int type, int protocol);

    static native int connect(int fd, byte[] address, int length);

    static native int bind(int fd, byte[] address, int length);

    static native int setsockopt(int fd, int level, int name, byte[] value, int length);

    static native long send(int fd, byte[] data, long length, int flags);

    static native long recv(int fd, byte[] into, long length, int flags);

    static native int poll(byte[] descriptors, long count, int timeout);

    static native int close(int fd);

    static native int open(String path, int flags);

    static native int fsync(int fd);

    static native int prctl(int option, long first, long second, long third, long fourth);

    static native int mlockall(int flags);

    private Libc() {}
  }

  private LibcNodeCalls() {}

  /** ENOSYS where this platform or installation cannot; the message says why and what to do. */
  static NodeCalls load() throws BlksnapException {
    try {
      if (!Platform.isLinux()
          || Native.POINTER_SIZE != Long.BYTES
          || ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
        throw new BlksnapException(
            Errno.ENOSYS, "device nodes refused: only 64-bit little-endian Linux is known");
      }
      Native.register(Libc.class, Platform.C_LIBRARY_NAME);
      return new LibcNodeCalls();
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
  public int socket(int domain, int type, int protocol) {
    return result(Libc.socket(domain, type, protocol));
  }

  @Override
  public int connect(int fd, byte[] address) {
    return result(Libc.connect(fd, address, address.length));
  }

  @Override
  public int bind(int fd, byte[] address) {
    return result(Libc.bind(fd, address, address.length));
  }

  @Override
  public int setOption(int fd, int level, int name, byte[] value) {
    return result(Libc.setsockopt(fd, level, name, value, value.length));
  }

  @Override
  public long send(int fd, byte[] data) {
    return result(Libc.send(fd, data, data.length, NodeAbi.MSG_NOSIGNAL));
  }

  @Override
  public long receive(int fd, byte[] into, int flags) {
    return result(Libc.recv(fd, into, into.length, flags));
  }

  @Override
  public int poll(int fd, short events, int timeout) {
    ByteBuffer one = ByteBuffer.allocate(NodeAbi.POLLFD_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    one.putInt(0, fd).putShort(Integer.BYTES, events);
    return result(Libc.poll(one.array(), 1, timeout));
  }

  @Override
  public int close(int fd) {
    return result(Libc.close(fd));
  }

  @Override
  public int open(String path, int flags) {
    return result(Libc.open(path, flags));
  }

  @Override
  public int fsync(int fd) {
    return result(Libc.fsync(fd));
  }

  @Override
  public int prctl(int option, long argument) {
    return result(Libc.prctl(option, argument, 0, 0, 0));
  }

  @Override
  public int lockAll(int flags) {
    return result(Libc.mlockall(flags));
  }

  private static int result(int answer) {
    return answer < 0 ? -Native.getLastError() : answer;
  }

  private static long result(long answer) {
    return answer < 0 ? -Native.getLastError() : answer;
  }
}
