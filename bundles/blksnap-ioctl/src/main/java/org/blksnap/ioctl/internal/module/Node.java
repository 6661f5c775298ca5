// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.io.Closeable;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * An open node, the module's or a device's.
 *
 * <p>States: open with n calls under way (n ≥ 0), closing with n calls under way (n > 0), closed;
 * in one integer, the count and the top bit for closing. Invariant: the descriptor is given back
 * once, when the top bit is set and the count is zero, so no call ever reaches another file. A call
 * that begins after the close is EBADF.
 */
final class Node implements Closeable {
  static final int O_RDONLY = 0;
  static final int O_RDWR = 0x2;
  static final int O_EXCL = 0x80;
  static final int O_NONBLOCK = 0x800;
  static final int O_CLOEXEC = 0x80000;

  /** How often a call that a signal broke off is made again. */
  static final int SIGNAL_RETRIES = 100;

  private static final int CLOSING = 0x8000_0000;

  /** What becomes of a call that a signal broke off. */
  enum Broken {
    /** Made again: made twice it does what it does once. */
    AGAIN,
    /** EINTR is told: it may have been carried out, and a second time would be another thing. */
    TOLD
  }

  private final ModuleCalls calls;
  private final String path;
  private final int fd;
  private final Runnable giveBack;
  private final AtomicInteger uses = new AtomicInteger();

  private Node(ModuleCalls calls, String path, int fd, Runnable giveBack) {
    this.calls = calls;
    this.path = path;
    this.fd = fd;
    this.giveBack = giveBack;
  }

  /** Closed over an exec of this process. */
  static Node open(ModuleCalls calls, String path, int flags) throws BlksnapException {
    int answer;
    int broken = 0;
    do {
      answer = calls.open(path, flags | O_CLOEXEC);
    } while (answer == -Errno.EINTR.code() && ++broken <= SIGNAL_RETRIES);
    if (answer < 0) {
      throw Refusal.of("open", path, answer);
    }
    int fd = answer;
    return new Node(calls, path, fd, () -> calls.close(fd));
  }

  /** A block device: read-only, so that nobody takes it for changed when it is closed. */
  static Node device(ModuleCalls calls, String path) throws BlksnapException {
    return open(calls, path, O_RDONLY | O_NONBLOCK);
  }

  /**
   * The same node for several calls that belong together: a close meanwhile waits for the end of
   * all, so that none of them is EBADF when the first has been made.
   */
  Node held(String name) throws BlksnapException {
    begin(name);
    return new Node(calls, path, fd, this::end);
  }

  /** Its answer, which is zero or more. */
  int call(String name, long request, Memory argument, Broken broken) throws BlksnapException {
    int answer = answer(name, request, argument, broken);
    if (answer < 0) {
      throw Refusal.of(name, path, answer);
    }
    return answer;
  }

  /** Its answer, or the negated errno. */
  int answer(String name, long request, Memory argument, Broken broken) throws BlksnapException {
    begin(name);
    try {
      int answer;
      int times = 0;
      do {
        answer = calls.ioctl(fd, request, argument.address());
      } while (answer == -Errno.EINTR.code()
          && broken == Broken.AGAIN
          && ++times <= SIGNAL_RETRIES);
      argument.used();
      return answer;
    } finally {
      end();
    }
  }

  /** The number, for a call that is handed it; valid as long as this is open. */
  int descriptor() {
    return fd;
  }

  String path() {
    return path;
  }

  @Override
  public void close() {
    if (uses.getAndUpdate(state -> state | CLOSING) == 0) {
      giveBack.run();
    }
  }

  private void begin(String name) throws BlksnapException {
    if (uses.getAndUpdate(state -> state < 0 ? state : state + 1) < 0) {
      throw Refusal.of(name, path + " (closed)", -Errno.EBADF.code());
    }
  }

  private void end() {
    if (uses.decrementAndGet() == CLOSING) {
      giveBack.run();
    }
  }
}
