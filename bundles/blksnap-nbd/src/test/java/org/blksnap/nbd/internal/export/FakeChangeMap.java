// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;

/** A change map whose bytes a test sets. */
public class FakeChangeMap implements ChangeMap {
  public static final int BLOCK = 4096;

  public volatile UUID generation = new UUID(7, 9);
  public volatile int number;
  public volatile byte[] map = new byte[0];

  @Override
  public CbtInfo info() {
    return new CbtInfo(
        (long) map.length * BLOCK,
        BLOCK,
        map.length,
        generation,
        number,
        GenerationReason.values()[0],
        "",
        Instant.EPOCH);
  }

  @Override
  public int read(long index, ByteBuffer dst) {
    int count = (int) Math.min(map.length - index, dst.remaining());
    dst.put(map, (int) index, count);
    return count;
  }

  @Override
  public void markDirty(List<ByteRange> ranges) {
    throw new UnsupportedOperationException();
  }

  @Override
  public ChangeSet changedSince(ChangePoint since) {
    return ChangeSet.of(this, info(), since);
  }
}
