// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.host;

import java.io.Closeable;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A file descriptor of the operating system's. All lengths are bytes. Any thread; closing while
 * another call is under way makes that call fail with EBADF, never act on another file. Every
 * method throws the call's own errno; EOPNOTSUPP where file system or device cannot.
 */
@ProviderType
public interface HostFile extends Closeable {
  /** fallocate PUNCH_HOLE|KEEP_SIZE. */
  void punchHole(long offset, long length) throws BlksnapException;

  /** fallocate ZERO_RANGE|KEEP_SIZE: zeroes that stay allocated. */
  void zeroRange(long offset, long length) throws BlksnapException;

  /** fallocate with mode 0: allocates, growing the file where needed. */
  void allocate(long offset, long length) throws BlksnapException;

  /** BLKDISCARD. */
  void blockDiscard(long offset, long length) throws BlksnapException;

  /** BLKZEROOUT. */
  void blockZeroOut(long offset, long length) throws BlksnapException;

  /**
   * lseek SEEK_DATA: the first byte of data at or behind the offset, or -1 where there is none up
   * to the end.
   */
  long seekData(long offset) throws BlksnapException;

  /**
   * lseek SEEK_HOLE: the first byte of a hole at or behind the offset (the end of file counts as
   * one); -1 past the end.
   */
  long seekHole(long offset) throws BlksnapException;

  /** BLKGETSIZE64. */
  long blockSize64() throws BlksnapException;

  /** BLKSSZGET. */
  int logicalBlockSize() throws BlksnapException;

  /** BLKPBSZGET. */
  int physicalBlockSize() throws BlksnapException;

  /** BLKIOMIN. */
  int minimumIo() throws BlksnapException;

  /** BLKROTATIONAL. */
  boolean rotational() throws BlksnapException;

  /** BLKROGET. */
  boolean readOnly() throws BlksnapException;

  /** posix_fadvise WILLNEED. */
  void willNeed(long offset, long length) throws BlksnapException;

  /**
   * FICLONERANGE where possible, else copy_file_range, of a range from here into another file;
   * answers the bytes copied.
   */
  long copyRange(long offset, HostFile target, long targetOffset, long length)
      throws BlksnapException;

  /**
   * F_OFD_SETLK without a wait: locks the bytes until this descriptor is closed; a length of 0
   * means all behind the offset. The lock belongs to the descriptor, so neither another one's
   * closing nor an interrupt drops it. Bytes of its own it locks anew. False where somebody else's
   * lock is in the way, a POSIX one included. EBADF: exclusive, and open for reading alone.
   * EOPNOTSUPP or EINVAL where the file system cannot.
   */
  boolean lock(long offset, long length, boolean exclusive) throws BlksnapException;

  /** F_OFD_GETLK: true where {@link #lock} would succeed; locks nothing. */
  boolean lockable(long offset, long length, boolean exclusive) throws BlksnapException;

  /**
   * flock(LOCK_NB) of the file as a whole, until this descriptor is closed. False where somebody
   * else's is in the way. A second one replaces the first.
   */
  boolean lockWhole(boolean exclusive) throws BlksnapException;

  /**
   * FS_IOC_FIEMAP: where the file's bytes lie on the block device beneath, in the order of the
   * file, pieces that touch as one; what is still in memory is written first. EOPNOTSUPP: the file
   * system does not tell, or some of it does not lie there plainly (shared with other files,
   * packed, encrypted, within the inode, not allocated yet). EINVAL: a hole among it.
   */
  default List<ByteRange> extents(long offset, long length) throws BlksnapException {
    throw new BlksnapException(Errno.EOPNOTSUPP, "where a file lies is not told by this host");
  }

  /**
   * FS_IOC_SETFLAGS: nobody, root included, changes, moves, cuts or removes the file while it is
   * immutable. EPERM: without the right to. EOPNOTSUPP where the file system cannot.
   */
  default void setImmutable(boolean immutable) throws BlksnapException {
    throw new BlksnapException(Errno.EOPNOTSUPP, "no file is made immutable by this host");
  }

  /**
   * A name by which this process may open the very same file again, whatever became of the path:
   * renamed, removed, replaced. Good until this descriptor is closed.
   */
  Path descriptor() throws BlksnapException;

  @Override
  void close();
}
