// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.ByteBuffer;

/**
 * The system calls that speak to a module, and nothing else. Those that may fail answer the call's
 * result, or the negated errno. Memory is named by raw addresses, which only {@link #address} gives
 * out; whoever uses one keeps its buffer reachable meanwhile. Any thread. A test double answers
 * what it likes.
 */
public interface ModuleCalls {
  /** open(2), nothing is created. */
  int open(String path, int flags);

  /** close(2); never repeated, since Linux gives the descriptor back also where it says EINTR. */
  int close(int fd);

  /** ioctl(2) with a pointer, or 0 for none. */
  int ioctl(int fd, long request, long address);

  /** Where byte 0 of a direct buffer is in memory. */
  long address(ByteBuffer direct);

  /** The kernel's number of the calling thread. */
  int thread();

  /** tgkill(2) within this process. */
  int signal(int thread, int signal);

  /**
   * Gives the signal a handler that does nothing and restarts no call, for good: 0, also where it
   * has that handler already. EBUSY: somebody in this process handles it.
   */
  int handle(int signal);
}
