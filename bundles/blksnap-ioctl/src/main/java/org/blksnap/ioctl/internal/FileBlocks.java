// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;

/**
 * Where the blocks of a file lie, and that they stay there. No state.
 *
 * <pre>
 * struct fiemap          fm_start 0/8, fm_length 8/8, fm_flags 16/4, fm_mapped_extents 20/4,
 *                        fm_extent_count 24/4, fm_reserved 28/4, then the extents
 * struct fiemap_extent   fe_logical 0/8, fe_physical 8/8, fe_length 16/8, reserved 24/16,
 *                        fe_flags 40/4, reserved 44/12
 * </pre>
 *
 * <p>Both are whole numbers of longs, which is how they are handed over.
 */
final class FileBlocks {
  static final long FS_IOC_FIEMAP = 0xc020660bL;
  static final long FS_IOC_GETFLAGS = 0x80086601L;
  static final long FS_IOC_SETFLAGS = 0x40086602L;
  static final long FS_IMMUTABLE_FL = 0x10;

  /** Written first, so that nothing is still to be allocated. */
  static final long FIEMAP_FLAG_SYNC = 1;

  static final int LAST = 0x1;

  /** Unknown, to be allocated, encoded, encrypted, unaligned, inline, packed, shared. */
  static final int NOT_PLAIN = 0x2 | 0x4 | 0x8 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000;

  /** Extents of one call. */
  static final int AT_ONCE = 256;

  /** Extents of one file; who has more has no use for them. */
  static final int MOST = 1 << 20;

  private static final int HEAD = 4;
  private static final int EXTENT = 7;

  private FileBlocks() {}

  /** As {@link org.blksnap.spi.host.HostFile#extents}. */
  static List<ByteRange> extents(NativeCalls calls, String path, int fd, long offset, long length)
      throws BlksnapException {
    List<ByteRange> found = new ArrayList<>();
    long at = offset;
    long end = Math.addExact(offset, length);
    while (at < end) {
      long[] map = new long[HEAD + AT_ONCE * EXTENT];
      map[0] = at;
      map[1] = end - at;
      map[2] = FIEMAP_FLAG_SYNC;
      map[3] = AT_ONCE;
      int answer = calls.ioctl(fd, FS_IOC_FIEMAP, map);
      if (answer < 0) {
        throw failure("FS_IOC_FIEMAP", path, answer);
      }
      int mapped = (int) (map[2] >>> Integer.SIZE);
      if (mapped > AT_ONCE || found.size() > MOST) {
        throw new BlksnapException(
            Errno.EFBIG, "FS_IOC_FIEMAP of " + path + ": more extents than can be believed");
      }
      long before = at;
      for (int i = 0; i < mapped && at < end; i++) {
        at = add(found, path, map, HEAD + i * EXTENT, at, end);
      }
      if (at == before) {
        throw hole(path, at, end);
      }
    }
    return found;
  }

  /** Answers where the next one has to begin. */
  private static long add(
      List<ByteRange> found, String path, long[] map, int index, long at, long end)
      throws BlksnapException {
    long logical = map[index];
    long extentEnd = logical + map[index + 2];
    int flags = (int) map[index + 5];
    if (logical > at || extentEnd <= at) {
      throw hole(path, at, end);
    }
    if ((flags & NOT_PLAIN) != 0) {
      throw new BlksnapException(
          Errno.EOPNOTSUPP,
          path
              + ": what lies at "
              + at
              + " has no plain place of its own on the device (flags 0x"
              + Integer.toHexString(flags)
              + " of FS_IOC_FIEMAP: shared, packed, encrypted or not allocated)");
    }
    long stop = Math.min(extentEnd, end);
    join(found, new ByteRange(map[index + 1] + (at - logical), stop - at));
    return stop;
  }

  private static void join(List<ByteRange> found, ByteRange next) {
    int last = found.size() - 1;
    if (last >= 0 && found.get(last).end() == next.offset()) {
      ByteRange before = found.get(last);
      found.set(last, new ByteRange(before.offset(), before.length() + next.length()));
    } else {
      found.add(next);
    }
  }

  private static BlksnapException hole(String path, long at, long end) {
    return new BlksnapException(
        Errno.EINVAL,
        path
            + ": nothing is allocated at "
            + at
            + ", and blocks up to "
            + end
            + " were asked for; allocate them first (fallocate)");
  }

  /** As {@link org.blksnap.spi.host.HostFile#setImmutable}. */
  static void setImmutable(NativeCalls calls, String path, int fd, boolean immutable)
      throws BlksnapException {
    long[] flags = {0};
    int answer = calls.ioctl(fd, FS_IOC_GETFLAGS, flags);
    if (answer < 0) {
      throw failure("FS_IOC_GETFLAGS", path, answer);
    }
    long wanted = immutable ? flags[0] | FS_IMMUTABLE_FL : flags[0] & ~FS_IMMUTABLE_FL;
    if (wanted == flags[0]) {
      return;
    }
    answer = calls.ioctl(fd, FS_IOC_SETFLAGS, new long[] {wanted});
    if (answer < 0) {
      throw failure("FS_IOC_SETFLAGS", path, answer);
    }
  }

  /** A file system without the call says so in several ways. */
  private static BlksnapException failure(String name, String path, int answer) {
    boolean none = answer == -Errno.ENOTTY.code() || answer == -Errno.EOPNOTSUPP.code();
    return none
        ? new BlksnapException(
            Errno.EOPNOTSUPP, name + " of " + path + ": the file system has no such call")
        : CallFailure.of(name, path, answer);
  }
}
