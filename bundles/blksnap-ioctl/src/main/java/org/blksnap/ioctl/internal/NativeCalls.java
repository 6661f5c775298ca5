// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import java.nio.ByteBuffer;

/**
 * The system calls this bundle makes, and nothing else. Every method answers the call's result, or
 * the negated errno where it failed (so no second call is needed to learn why). A test double
 * answers what it likes.
 */
interface NativeCalls {
  /** open(2); the mode is never needed, nothing is created. */
  int open(String path, int flags);

  int close(int fd);

  /** ioctl(2) with a pointer to little-endian longs, or null for none. */
  int ioctl(int fd, long request, long[] argument);

  int fallocate(int fd, int mode, long offset, long length);

  long seek(int fd, long offset, int whence);

  int advise(int fd, long offset, long length, int advice);

  /** copy_file_range(2) with explicit offsets. */
  long copyFileRange(int from, long fromOffset, int to, long toOffset, long length);

  /** fcntl(2) with a struct flock, laid out as in {@link LinuxAbi}. */
  int lock(int fd, int command, long[] flock);

  int flock(int fd, int operation);

  /** mlock(2) of the whole direct buffer, from 0 to its capacity. */
  int lockMemory(ByteBuffer direct);
}
