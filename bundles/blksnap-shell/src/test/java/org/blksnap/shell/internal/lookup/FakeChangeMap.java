// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;

/** A map of bytes given by the test. */
public final class FakeChangeMap implements ChangeMap {
  public static final UUID GENERATION = UUID.fromString("0f2a6c9e-61a2-4b3c-9f11-5d1b7f0f9a01");
  public static final int BLOCK = 65536;

  final long capacity;
  public final byte[] bytes;
  public final List<ByteRange> marked = new ArrayList<>();
  public int changesNumber = 2;
  public boolean corrupted;

  FakeChangeMap(long capacity) {
    this.capacity = capacity;
    this.bytes = new byte[(int) ((capacity + BLOCK - 1) / BLOCK)];
  }

  @Override
  public CbtInfo info() throws BlksnapException {
    if (corrupted) {
      throw new BlksnapException(Errno.EFAULT, "the map is damaged");
    }
    return new CbtInfo(
        capacity,
        BLOCK,
        bytes.length,
        GENERATION,
        changesNumber,
        GenerationReason.FIRST_ATTACH,
        "",
        Instant.EPOCH);
  }

  @Override
  public int read(long index, ByteBuffer dst) {
    int count = (int) Math.min(dst.remaining(), bytes.length - index);
    dst.put(bytes, (int) index, count);
    return count;
  }

  @Override
  public void markDirty(List<ByteRange> ranges) throws BlksnapException {
    for (ByteRange range : ranges) {
      if (range.end() > capacity) {
        throw new BlksnapException(Errno.EINVAL, "range " + range + " refused: outside the device");
      }
    }
    marked.addAll(ranges);
  }

  @Override
  public ChangeSet changedSince(ChangePoint since) throws BlksnapException {
    return ChangeSet.of(this, info(), since);
  }
}
