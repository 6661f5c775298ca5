// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The C library through JNA's direct mapping, with addresses as plain numbers: nothing is copied,
 * and a failing call costs no exception. ioctl, open and syscall are variadic in C; on the two
 * supported architectures integers and pointers travel the same way either way.
 *
 * <pre>
 * syscall   x86-64  arm64       struct sigaction of the C library, 152 bytes
 * gettid    186     178         sa_handler 0/8  sa_mask 8/128  sa_flags 136/4  sa_restorer 144/8
 * tgkill    234     131
 * </pre>
 */
public final class LibcModuleCalls implements ModuleCalls {
  private static final int SIGACTION_SIZE = 152;
  private static final long SIG_DFL = 0;
  private static final long SIG_IGN = 1;

  /** The mapped methods, apart from this class so that loading it can fail and be explained. */
  private static final class Libc {
    static native int open(String path, int flags);

    static native int close(int fd);

    static native int ioctl(int fd, long request, long address);

    static native long syscall(long number, long first, long second, long third);

    static native int sigaction(int signal, long action, long before);

    private Libc() {}
  }

  private final int process = (int) ProcessHandle.current().pid();
  private final long gettid;
  private final long tgkill;

  /** {@code abs}: takes an int as a handler does, and does nothing that is ever seen. */
  private final long harmless;

  private LibcModuleCalls() {
    boolean arm = Platform.isARM();
    gettid = arm ? 178 : 186;
    tgkill = arm ? 131 : 234;
    harmless =
        Pointer.nativeValue(NativeLibrary.getInstance(Platform.C_LIBRARY_NAME).getFunction("abs"));
  }

  /** ENOSYS where this platform or installation cannot; the message says why and what to do. */
  public static ModuleCalls load() throws BlksnapException {
    try {
      if (!Platform.isLinux()
          || Native.POINTER_SIZE != Long.BYTES
          || ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN
          || !(Platform.isIntel() || Platform.isARM())) {
        throw new BlksnapException(
            Errno.ENOSYS,
            "calls of a kernel module refused on "
                + System.getProperty("os.name")
                + " "
                + System.getProperty("os.arch")
                + ": only 64-bit Linux on x86-64 and arm64 is known");
      }
      Native.register(Libc.class, Platform.C_LIBRARY_NAME);
      return new LibcModuleCalls();
    } catch (LinkageError | RuntimeException failure) {
      throw new BlksnapException(
          Errno.ENOSYS,
          "calls of a kernel module not possible: "
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
  public int ioctl(int fd, long request, long address) {
    return result(Libc.ioctl(fd, request, address));
  }

  @Override
  public long address(ByteBuffer direct) {
    return Pointer.nativeValue(Native.getDirectBufferPointer(direct));
  }

  @Override
  public int thread() {
    return (int) Libc.syscall(gettid, 0, 0, 0);
  }

  @Override
  public int signal(int thread, int signal) {
    return result((int) Libc.syscall(tgkill, process, thread, signal));
  }

  /** No SA_RESTART, no SA_SIGINFO, an empty mask: all of the struct but the handler is zero. */
  @Override
  public int handle(int signal) {
    Memory action = Memory.of(this, SIGACTION_SIZE);
    int asked = result(Libc.sigaction(signal, 0, action.address()));
    if (asked < 0) {
      return asked;
    }
    long handler = action.bytes().getLong(0);
    if (handler == harmless) {
      return 0;
    }
    if (handler != SIG_DFL && handler != SIG_IGN) {
      return -Errno.EBUSY.code();
    }
    Memory own = Memory.of(this, SIGACTION_SIZE);
    own.bytes().putLong(0, harmless);
    int set = result(Libc.sigaction(signal, own.address(), 0));
    own.used();
    return set;
  }

  private static int result(int answer) {
    return answer < 0 ? -Native.getLastError() : answer;
  }
}
