// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** Turns a negated errno into the exception that names call, path and reason. */
final class CallFailure {
  private CallFailure() {}

  static BlksnapException of(String call, String path, long negatedErrno) {
    int number = (int) -negatedErrno;
    Errno errno =
        switch (number) {
          case LinuxAbi.EXDEV -> Errno.EOPNOTSUPP;
          case LinuxAbi.EDQUOT -> Errno.ENOSPC;
          default -> Errno.of(number);
        };
    return new BlksnapException(errno, call + " on " + path + ": " + reason(errno, number));
  }

  static BlksnapException of(
      String call, String path, long offset, long length, long negatedErrno) {
    return of(call + " of " + length + " bytes at " + offset, path, negatedErrno);
  }

  private static String reason(Errno errno, int number) {
    if (number == LinuxAbi.EDQUOT) {
      return "disk quota exceeded; raise it, or use another file system";
    }
    String advice =
        switch (errno) {
          case EPERM, EACCES -> "; run as root, or give the process the rights for it";
          case EBUSY -> "; unmount it or stop what holds it";
          default -> "";
        };
    String known = errno.code() == number ? errno.text() : "errno " + number;
    return known + advice;
  }
}
