// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

/** The Linux error numbers this system speaks, with a sentence a person can read. */
public enum Errno {
  OK(0, "no error"),
  EPERM(1, "operation not permitted"),
  ENOENT(2, "no such thing"),
  ESRCH(3, "no such snapshot"),
  EINTR(4, "interrupted"),
  EIO(5, "input/output error"),
  ENXIO(6, "no such device or address"),
  EBADF(9, "bad file descriptor"),
  EAGAIN(11, "would have to wait"),
  ENOMEM(12, "out of memory"),
  EACCES(13, "permission denied"),
  EFAULT(14, "corrupted or missing data"),
  ENOTBLK(15, "block device required"),
  EBUSY(16, "in use"),
  EEXIST(17, "already exists"),
  ENODEV(19, "no such device"),
  ENOTDIR(20, "not a directory"),
  EISDIR(21, "is a directory"),
  EINVAL(22, "invalid argument"),
  ENOTTY(25, "no such call"),
  EFBIG(27, "too large"),
  ENOSPC(28, "no space left"),
  EROFS(30, "read-only"),
  ERANGE(34, "out of range"),
  ENAMETOOLONG(36, "name too long"),
  ENOSYS(38, "not supported by this host"),
  ENODATA(61, "no data available"),
  EOVERFLOW(75, "value too large"),
  EOPNOTSUPP(95, "operation not supported"),
  ESHUTDOWN(108, "shut down"),
  ETIMEDOUT(110, "timed out"),
  EALREADY(114, "already done"),
  ESTALE(116, "stale handle"),
  ECANCELED(125, "cancelled");

  private final int code;
  private final String text;

  Errno(int code, String text) {
    this.code = code;
    this.text = text;
  }

  /** The positive number, as in {@code errno.h} of x86-64 and arm64. */
  public int code() {
    return code;
  }

  /** A short lower-case sentence. */
  public String text() {
    return text;
  }

  /** The errno with this number (its sign does not matter); {@link #EIO} for one unknown here. */
  public static Errno of(int code) {
    int wanted = Math.abs(code);
    for (Errno errno : values()) {
      if (errno.code == wanted) {
        return errno;
      }
    }
    return EIO;
  }
}
