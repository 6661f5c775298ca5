// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

/**
 * Numbers of the Linux interface, equal on x86-64 and arm64 (64 bit, little-endian).
 *
 * <pre>
 * ioctl          word        argument
 * BLKROGET       0x125e      int out
 * BLKSSZGET      0x1268      int out
 * BLKDISCARD     0x1277      u64 in: offset 0/8, length 8/8
 * BLKIOMIN       0x1278      u32 out
 * BLKPBSZGET     0x127b      u32 out
 * BLKROTATIONAL  0x127e      u16 out
 * BLKZEROOUT     0x127f      u64 in: offset 0/8, length 8/8
 * BLKGETSIZE64   0x80081272  u64 out
 * FICLONERANGE   0x4020940d  in: source fd 0/8, source offset 8/8, length 16/8, target offset 24/8
 * FIFREEZE       0xc0045877  none
 * FITHAW         0xc0045878  none
 * </pre>
 *
 * <pre>
 * struct flock   l_type 0/2, l_whence 2/2, l_start 8/8, l_len 16/8, l_pid 24/4
 * </pre>
 *
 * Every argument is handed over as an array of longs; what the kernel writes as a smaller type is
 * the low end of the first one, the rest of which was zero before.
 */
final class LinuxAbi {
  static final long BLKROGET = 0x125eL;
  static final long BLKSSZGET = 0x1268L;
  static final long BLKDISCARD = 0x1277L;
  static final long BLKIOMIN = 0x1278L;
  static final long BLKPBSZGET = 0x127bL;
  static final long BLKROTATIONAL = 0x127eL;
  static final long BLKZEROOUT = 0x127fL;
  static final long BLKGETSIZE64 = 0x80081272L;
  static final long FICLONERANGE = 0x4020940dL;
  static final long FIFREEZE = 0xc0045877L;
  static final long FITHAW = 0xc0045878L;

  static final int O_RDONLY = 0;
  static final int O_RDWR = 0x2;
  static final int O_EXCL = 0x80;
  static final int O_CLOEXEC = 0x80000;

  static final int FALLOC_KEEP_SIZE = 0x1;
  static final int FALLOC_PUNCH_HOLE = 0x2;
  static final int FALLOC_ZERO_RANGE = 0x10;

  static final int SEEK_DATA = 3;
  static final int SEEK_HOLE = 4;
  static final int POSIX_FADV_WILLNEED = 3;

  static final int F_OFD_GETLK = 36;
  static final int F_OFD_SETLK = 37;
  static final int F_RDLCK = 0;
  static final int F_WRLCK = 1;
  static final int F_UNLCK = 2;
  static final int LOCK_SH = 1;
  static final int LOCK_EX = 2;
  static final int LOCK_NB = 4;

  /** Errnos looked at here that are not part of the project's own vocabulary. */
  static final int EXDEV = 18;

  static final int EDQUOT = 122;

  private LinuxAbi() {}
}
