// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** Exceptions of this package: each names call, argument, path, reason, and what to do. */
final class Refusal {
  private static final int EIO = 5;

  private Refusal() {}

  /** A call that answered a negated errno. */
  static BlksnapException of(String call, String path, long negatedErrno) {
    int number = (int) -negatedErrno;
    Errno errno = Errno.of(number);
    String reason = errno == Errno.EIO && number != EIO ? "errno " + number : errno.text();
    return new BlksnapException(errno, call + " on " + path + ": " + reason + advice(errno, call));
  }

  /** Something that the dialect does not have. */
  static BlksnapException unsupported(String call, String dialect, String instead) {
    return new BlksnapException(
        Errno.EOPNOTSUPP, call + " refused: " + dialect + " has no such call; " + instead);
  }

  /** An answer of the module that cannot be true. */
  static BlksnapException untrue(String call, String path, String answer) {
    return new BlksnapException(
        Errno.EFAULT, call + " on " + path + ": the module answered " + answer);
  }

  private static String advice(Errno errno, String call) {
    return switch (errno) {
      case EPERM ->
          "; the process needs CAP_SYS_ADMIN: run it as root or give it that capability"
              + " (AmbientCapabilities=CAP_SYS_ADMIN in its unit)";
      case EACCES ->
          "; the node is for its owner alone, as a rule root with mode 0600: run as root, or give"
              + " the process's user the right to read and write it, and CAP_SYS_ADMIN";
      case EINTR ->
          "; not made again, since it may have been carried out: look with snapshot_collect or"
              + " cbtinfo, then decide";
      case ENODEV -> call.startsWith("snapshot_destroy") ? "; there is no such snapshot" : "";
      default -> "";
    };
  }
}
