// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;

/**
 * The caller's {@code sectors[count]}, copied once, as ranges of bytes. It is fetched in slices,
 * and takes memory only for what has arrived. Immutable once it is made.
 */
final class SectorRanges extends AbstractList<ByteRange> implements RandomAccess {
  /** Ranges of one call; the module's bound too. */
  static final int MOST = 1 << 20;

  /** Ranges of one slice: 64 KiB. */
  private static final int SLICE = 1 << 12;

  private final List<ByteBuffer> slices;
  private final int count;

  private SectorRanges(List<ByteBuffer> slices, int count) {
    this.slices = slices;
    this.count = count;
  }

  /**
   * EINVAL: more than {@link #MOST}. EFAULT: not all of them can be read. ENOMEM: other calls hold
   * the memory that all may have. What was lent is the lease's, also after a failure.
   */
  static SectorRanges read(CallerMemory caller, long address, long count, ArrayMemory.Lease lease)
      throws IOException {
    if (count > MOST) {
      throw new BlksnapException(
          Errno.EINVAL, count + " ranges refused: allowed are up to " + MOST + " a call");
    }
    List<ByteBuffer> slices = new ArrayList<>();
    long from = address;
    for (long left = count; left > 0; left -= SLICE) {
      int bytes = (int) Math.min(left, SLICE) * Seed.SECTORS.size();
      lease.more(bytes);
      ByteBuffer slice = Layout.buffer(ByteBuffer.allocate(bytes));
      caller.read(from, slice);
      slices.add(slice);
      from += bytes;
    }
    return new SectorRanges(slices, (int) count);
  }

  /** EINVAL: one is empty, or reaches further than there are bytes. */
  void check() throws BlksnapException {
    for (int i = 0; i < count; i++) {
      long offset = word(i, Seed.SECTORS_OFFSET);
      long length = word(i, Seed.SECTORS_COUNT);
      long most = Long.MAX_VALUE / ByteRange.SECTOR;
      if (length <= 0 || offset < 0 || length > most || offset > most - length) {
        throw new BlksnapException(
            Errno.EINVAL,
            "range "
                + i
                + ", sectors "
                + Long.toUnsignedString(offset)
                + "+"
                + Long.toUnsignedString(length)
                + ", refused: allowed are one sector and more, inside the device");
      }
    }
  }

  private long word(int index, Layout.Field field) {
    ByteBuffer slice = slices.get(index / SLICE);
    return slice.getLong(index % SLICE * Seed.SECTORS.size() + field.offset());
  }

  /** Only after {@link #check}. */
  @Override
  public ByteRange get(int index) {
    Objects.checkIndex(index, count);
    return ByteRange.ofSectors(word(index, Seed.SECTORS_OFFSET), word(index, Seed.SECTORS_COUNT));
  }

  @Override
  public int size() {
    return count;
  }
}
