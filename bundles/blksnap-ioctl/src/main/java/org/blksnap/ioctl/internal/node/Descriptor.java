// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * A descriptor of a socket, with waits that end. Its owner closes it once; one thread at a time,
 * but for {@link #close}, which the owner keeps from meeting a call.
 */
final class Descriptor implements AutoCloseable {
  /** A wait broken by a signal is begun again so often. */
  static final int SIGNAL_RETRIES = 1000;

  private final NodeCalls calls;
  private final String name;
  private final int fd;
  private boolean closed;

  Descriptor(NodeCalls calls, String name, int fd) {
    this.calls = calls;
    this.name = name;
    this.fd = fd;
  }

  static Descriptor socket(NodeCalls calls, String name, int domain, int type, int protocol)
      throws BlksnapException {
    int fd = calls.socket(domain, type | NodeAbi.SOCK_CLOEXEC, protocol);
    if (fd == -NodeAbi.EAFNOSUPPORT || fd == -NodeAbi.EPROTONOSUPPORT) {
      throw new BlksnapException(
          Errno.ENOSYS, name + " refused: this kernel has no such kind of socket");
    }
    if (fd < 0) {
      throw failure(name + ": socket", fd);
    }
    return new Descriptor(calls, name, fd);
  }

  int number() {
    return fd;
  }

  void option(String what, int level, int option, byte[] value) throws BlksnapException {
    check(what, calls.setOption(fd, level, option, value));
  }

  /** Of a datagram or of a stream all of it. */
  void send(byte[] data, Deadline deadline) throws BlksnapException {
    byte[] rest = data;
    int broken = 0;
    while (rest.length > 0) {
      if (!ready(NodeAbi.POLLOUT, deadline)) {
        throw late("takes nothing");
      }
      long sent = calls.send(fd, rest);
      if (sent == -Errno.EINTR.code() && ++broken <= SIGNAL_RETRIES) {
        continue;
      }
      check("send", sent);
      rest = java.util.Arrays.copyOfRange(rest, (int) sent, rest.length);
    }
  }

  /** As much as there is, at most the array; 0 at the end of a stream. ETIMEDOUT: nothing came. */
  int receive(byte[] into, int flags, Deadline deadline) throws BlksnapException {
    int broken = 0;
    while (true) {
      if (!ready(NodeAbi.POLLIN, deadline)) {
        throw late("answers nothing");
      }
      long got = calls.receive(fd, into, flags);
      if (got == -Errno.EINTR.code() && ++broken <= SIGNAL_RETRIES) {
        continue;
      }
      return (int) check("receive", got);
    }
  }

  /** False at the deadline; looks at least once. */
  boolean ready(short events, Deadline deadline) throws BlksnapException {
    int broken = 0;
    while (true) {
      int answer = calls.poll(fd, events, deadline.left());
      if (answer == -Errno.EINTR.code() && ++broken <= SIGNAL_RETRIES) {
        continue;
      }
      return check("poll", answer) > 0;
    }
  }

  private BlksnapException late(String what) {
    return new BlksnapException(Errno.ETIMEDOUT, name + " " + what + " within its time");
  }

  long check(String call, long answer) throws BlksnapException {
    if (answer < 0) {
      throw failure(name + ": " + call, answer);
    }
    return answer;
  }

  static BlksnapException failure(String what, long negatedErrno) {
    int number = (int) -negatedErrno;
    Errno errno = number == NodeAbi.ENOBUFS ? Errno.ENODATA : Errno.of(number);
    String text = errno.code() == number ? errno.text() : "errno " + number;
    return new BlksnapException(errno, what + ": " + text);
  }

  /** Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      calls.close(fd);
    }
  }
}
