// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

/**
 * The system calls behind device nodes. Every method answers the call's result, or the negated
 * errno where it failed. A test double answers what it likes.
 */
interface NodeCalls {
  int socket(int domain, int type, int protocol);

  int connect(int fd, byte[] address);

  int bind(int fd, byte[] address);

  int setOption(int fd, int level, int name, byte[] value);

  /** send(2) of all of the array with MSG_NOSIGNAL. */
  long send(int fd, byte[] data);

  /** recv(2) of as much as the array holds; the true length where the flags have MSG_TRUNC. */
  long receive(int fd, byte[] into, int flags);

  /** poll(2) of one descriptor; 0 at the timeout, in milliseconds. */
  int poll(int fd, short events, int timeout);

  int close(int fd);

  int open(String path, int flags);

  int fsync(int fd);

  int prctl(int option, long argument);

  int lockAll(int flags);
}
