// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

/**
 * Numbers of the Linux interface behind device nodes, equal on x86-64 and arm64.
 *
 * <pre>
 * sockaddr_un    family 0/2, path 2/108
 * sockaddr_nl    family 0/2, pad 2/2, port 4/4, groups 8/4
 * pollfd         fd 0/4, events 4/2, revents 6/2
 * timeval        seconds 0/8, microseconds 8/8
 * </pre>
 */
final class NodeAbi {
  static final int AF_UNIX = 1;
  static final int AF_NETLINK = 16;
  static final int SOCK_STREAM = 1;
  static final int SOCK_RAW = 3;
  static final int SOCK_CLOEXEC = 0x80000;
  static final int NETLINK_GENERIC = 16;
  static final int SOCKADDR_UN_SIZE = 110;
  static final int SOCKADDR_NL_SIZE = 12;
  static final int POLLFD_SIZE = 8;
  static final int TIMEVAL_SIZE = 16;

  /** Bytes of a unix socket's path, without the NUL behind it. */
  static final int SOCKET_PATH_MOST = 107;

  static final int SOL_SOCKET = 1;
  static final int SO_SNDTIMEO = 21;
  static final int SOL_NETLINK = 270;
  static final int NETLINK_ADD_MEMBERSHIP = 1;
  static final int NETLINK_CAP_ACK = 10;
  static final int NETLINK_EXT_ACK = 11;

  static final int MSG_TRUNC = 0x20;
  static final int MSG_DONTWAIT = 0x40;
  static final int MSG_NOSIGNAL = 0x4000;
  static final short POLLIN = 1;
  static final short POLLOUT = 4;

  static final int O_RDONLY = 0;
  static final int O_EXCL = 0x80;
  static final int O_CLOEXEC = 0x80000;

  static final int PR_SET_IO_FLUSHER = 57;
  static final int MCL_CURRENT = 1;
  static final int MCL_FUTURE = 2;
  static final int MCL_ONFAULT = 4;

  /** Errnos looked at here that are not part of the project's own vocabulary. */
  static final int ENOBUFS = 105;

  static final int EPROTONOSUPPORT = 93;
  static final int EAFNOSUPPORT = 97;
  static final int ECONNREFUSED = 111;

  private NodeAbi() {}
}
