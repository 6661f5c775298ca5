// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import com.sun.jna.Native;
import com.sun.jna.Platform;
import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;

/**
 * Real calls, but for the wait for an event: that is a poll(2) of a pipe, then a read(2) of one
 * struct from it. As the module does, it either takes an event or is broken off.
 */
class PipeCalls implements ModuleCalls, Closeable {
  private static final class Libc {
    static native int pipe2(long fds, int flags);

    static native int poll(long fds, long count, int timeout);

    static native long read(int fd, long to, long length);

    static native long write(int fd, long from, long length);

    private Libc() {}
  }

  /** Events that a pipe holds, with some to spare. */
  static final int ROOM = 8;

  private static final int O_NONBLOCK = 0x800;
  private static final int O_CLOEXEC = 0x80000;
  private static final int POLLIN = 1;
  private static final int ENOENT = 2;
  private static final int EAGAIN = 11;

  final AtomicInteger waits = new AtomicInteger();
  volatile Runnable beforeWait = () -> {};
  private final ModuleCalls real;
  private final int reading;
  private final int writing;

  PipeCalls() throws BlksnapException {
    real = LibcModuleCalls.load();
    Native.register(Libc.class, Platform.C_LIBRARY_NAME);
    ByteBuffer fds = Layout.buffer(ByteBuffer.allocateDirect(8));
    if (Libc.pipe2(real.address(fds), O_NONBLOCK | O_CLOEXEC) < 0) {
      throw new AssertionError("pipe2: errno " + Native.getLastError());
    }
    reading = fds.getInt(0);
    writing = fds.getInt(4);
  }

  /** An event that asks for so many sectors. */
  void post(long sectors) {
    ByteBuffer event = Seed.EVENT.allocate();
    Seed.EVENT_CODE.put(event, Seed.EVENT_LOW_FREE_SPACE);
    event.putLong(Seed.EVENT_DATA.offset(), sectors);
    if (Libc.write(writing, real.address(event), 4096) != 4096) {
      throw new AssertionError("the pipe is full");
    }
  }

  /** 1, 0 after so many milliseconds, or the negated errno. */
  int poll(int milliseconds) {
    ByteBuffer fds = Layout.buffer(ByteBuffer.allocateDirect(8));
    fds.putInt(0, reading).putShort(4, (short) POLLIN);
    int answer = Libc.poll(real.address(fds), 1, milliseconds);
    int errno = Native.getLastError();
    java.lang.ref.Reference.reachabilityFence(fds);
    return answer < 0 ? -errno : answer;
  }

  @Override
  public int ioctl(int fd, long request, long address) {
    if (request != Seed.WAIT_EVENT_CALL) {
      return real.ioctl(fd, request, address);
    }
    int timeout = new com.sun.jna.Pointer(address).getInt(Seed.EVENT_TIMEOUT.offset());
    waits.incrementAndGet();
    beforeWait.run();
    int ready = poll(timeout);
    if (ready <= 0) {
      return ready == 0 ? -ENOENT : ready;
    }
    long got = Libc.read(reading, address, 4096);
    int errno = Native.getLastError();
    if (got < 0) {
      return errno == EAGAIN ? -ENOENT : -errno;
    }
    return 0;
  }

  @Override
  public int open(String path, int flags) {
    return real.open(path, flags);
  }

  @Override
  public int close(int fd) {
    return real.close(fd);
  }

  @Override
  public long address(ByteBuffer direct) {
    return real.address(direct);
  }

  @Override
  public int thread() {
    return real.thread();
  }

  @Override
  public int signal(int thread, int signal) {
    return real.signal(thread, signal);
  }

  @Override
  public int handle(int signal) {
    return real.handle(signal);
  }

  @Override
  public void close() {
    real.close(reading);
    real.close(writing);
  }
}
