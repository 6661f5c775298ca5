// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

import java.io.IOException;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Extents;

/**
 * What changed between a point and the last take: what a backup has to read. It is a cursor, not a
 * list: {@link #extents} answers a part at a time, so that a device with 10⁸ changed blocks costs
 * no more memory than one with ten.
 *
 * <p>Made by {@link ChangeMap#changedSince}. The set of an image stays what it is as long as the
 * image is there. The set of a live device ends with the next take, or where its map begins anew:
 * {@link Errno#ESTALE} then, and nothing that was answered before is wrong; ask again from the
 * start. Any thread; every method may read the map.
 */
public final class ChangeSet implements Extents {
  private final MapBytes map;
  private final CbtInfo info;
  private final ChangePoint since;
  private final String fullReason;

  private ChangeSet(MapBytes map, CbtInfo info, ChangePoint since, String fullReason) {
    this.map = map;
    this.info = info;
    this.since = since;
    this.fullReason = fullReason;
  }

  /**
   * For providers: what the map's bytes say, each block with a byte above the point's number. Where
   * the point is {@link ChangePoint#BEGINNING}, of another generation or of a number above that of
   * the last take, all of the device, with that reason.
   *
   * @param map read piece by piece, whenever extents are asked for
   * @param info the map as it is now; extents are answered as long as it stays so
   * @param since the point
   */
  public static ChangeSet of(MapBytes map, CbtInfo info, ChangePoint since) {
    if (since.equals(ChangePoint.BEGINNING)) {
      return whole(info, since, "no earlier point was given");
    }
    if (!since.generation().equals(info.generationId())) {
      return whole(
          info,
          since,
          "generation "
              + since.generation()
              + " has ended: the change map began anew at "
              + info.since()
              + " because "
              + info.reason().text()
              + (info.reasonDetail().isEmpty() ? "" : " (" + info.reasonDetail() + ")"));
    }
    if (since.number() > info.changesNumber()) {
      return whole(
          info,
          since,
          "number " + since.number() + " is above that of the last take, " + info.changesNumber());
    }
    return new ChangeSet(map, info, since, "");
  }

  /** For providers: all of the device, with the reason, a part of a sentence for a person. */
  public static ChangeSet whole(CbtInfo info, ChangePoint since, String reason) {
    return new ChangeSet(null, info, since, reason);
  }

  /** True where nothing is known of the time since the point, so that everything has to be read. */
  public boolean full() {
    return map == null;
  }

  /** Why it is full, for a person; empty otherwise. */
  public String fullReason() {
    return fullReason;
  }

  /** The point that was asked for. */
  public ChangePoint since() {
    return since;
  }

  /** The point to keep for next time. */
  public ChangePoint point() {
    return info.point();
  }

  /** Bytes of one tracking block, a power of two. */
  public int blockSize() {
    return info.blockSize();
  }

  /** Bytes of the device or image; no extent passes it. */
  public long capacity() {
    return info.deviceCapacity();
  }

  /**
   * Changed ranges at or behind {@code offset}: ascending, none touching the next, aligned to
   * tracking blocks except where {@code offset} or the capacity cuts one. Go on at the end of the
   * last one; an empty list says that there are no more.
   *
   * @param offset bytes, 0 or more
   * @param limit most ranges answered, 1 or more
   * @throws BlksnapException EINVAL: an offset below 0 or a limit below 1. ESTALE: a take or a new
   *     generation came since this set was made. EFAULT: the map is corrupted.
   */
  @Override
  public List<ByteRange> extents(long offset, int limit) throws IOException {
    Extents.check(offset, limit);
    if (offset >= capacity()) {
      return List.of();
    }
    return full()
        ? List.of(new ByteRange(offset, capacity() - offset))
        : MapWalk.extents(map, info, since.number(), offset, limit);
  }

  @Override
  public String toString() {
    return (full() ? "everything (" + fullReason + ")" : "what changed since " + since)
        + " up to "
        + point();
  }
}
