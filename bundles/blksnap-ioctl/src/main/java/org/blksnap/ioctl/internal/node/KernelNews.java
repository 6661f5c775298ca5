// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.node.DeadLinks;

/**
 * The group of news of the kernel's NBD client. {@link #close} marks it; who waits closes the
 * socket on its way out, so that no descriptor is closed under a call.
 */
final class KernelNews implements DeadLinks {
  /** Longest wait in the kernel, so that a close is noticed. */
  private static final Duration SLICE = Duration.ofMillis(500);

  private final NetlinkSocket kernel;
  private final int family;

  @GuardedBy("this")
  private boolean closed;

  @GuardedBy("this")
  private boolean waiting;

  private KernelNews(NetlinkSocket kernel, int family) {
    this.kernel = kernel;
    this.family = family;
  }

  static KernelNews open(NodeCalls calls) throws BlksnapException {
    NetlinkSocket kernel = NetlinkSocket.open(calls);
    boolean open = false;
    try {
      NbdFamily family = NbdFamily.find(kernel);
      if (family.group() == 0) {
        throw new BlksnapException(
            Errno.EOPNOTSUPP, "the kernel's NBD client tells no news; use Linux 4.12 or newer");
      }
      kernel.join(family.group());
      open = true;
      return new KernelNews(kernel, family.number());
    } finally {
      if (!open) {
        kernel.close();
      }
    }
  }

  @Override
  public Set<Integer> await(Duration wait) throws BlksnapException {
    Deadline deadline = Deadline.in(wait);
    Set<Integer> dead = new TreeSet<>();
    do {
      enter();
      try {
        while (kernel.ready(Deadline.in(dead.isEmpty() ? slice(deadline) : Duration.ZERO))) {
          for (NetlinkReply news : kernel.receive(Deadline.in(Duration.ZERO))) {
            if (news.type() == family && news.command() == NbdFamily.LINK_DEAD) {
              news.attributes().number(NbdFamily.INDEX).ifPresent(i -> dead.add(i.intValue()));
            }
          }
        }
      } finally {
        leave();
      }
    } while (dead.isEmpty() && deadline.left() > 0);
    return dead;
  }

  private static Duration slice(Deadline deadline) {
    Duration left = Duration.ofMillis(deadline.left());
    return left.compareTo(SLICE) < 0 ? left : SLICE;
  }

  private synchronized void enter() throws BlksnapException {
    if (closed) {
      throw new BlksnapException(Errno.EBADF, "news of the kernel's NBD client: closed");
    }
    waiting = true;
  }

  private synchronized void leave() {
    waiting = false;
    if (closed) {
      kernel.close();
    }
  }

  @Override
  public synchronized void close() {
    if (!closed && !waiting) {
      kernel.close();
    }
    closed = true;
  }
}
