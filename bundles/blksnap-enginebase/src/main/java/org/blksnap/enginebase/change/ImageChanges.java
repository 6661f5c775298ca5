// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.change;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;

/**
 * The changes of one image: those of its own take, whatever became of the device since.
 *
 * <p>A device is in one snapshot at a time, so the device's readable map is that of the image's
 * take until the map begins anew: a resize, a tracker that was away, a foreign write. From then on
 * nobody can say what had changed at the take, and the image answers that all of it did. It always
 * speaks of its own capacity, tracking blocks, generation and number; a consumer who keeps these is
 * told to read all next time, for the device has another generation then.
 *
 * <p>Each answer of the device's map is asked again whether it is still that of the take, after it
 * was read: a map that begins anew in the middle cannot be told as the image's.
 */
public final class ImageChanges implements ChangeMap {
  private final String image;
  private final long capacity;
  private final ChangeMap device;

  /**
   * The map at the take; null where it could not be read then, and in a record of an older version.
   * What the device's map says now may be of a later generation, and whoever kept that for this
   * image would miss what was written before it began. So nothing is said then.
   */
  private final CbtInfo taken;

  /** {@code taken} may be null. */
  public ImageChanges(String image, long capacity, ChangeMap device, CbtInfo taken) {
    this.image = image;
    this.capacity = capacity;
    this.device = device;
    this.taken = taken;
  }

  @Override
  public CbtInfo info() throws BlksnapException {
    if (taken == null) {
      throw new BlksnapException(
          Errno.EFAULT,
          "the change map of image "
              + image
              + " is not known: it could not be read at the take, or the snapshot's record is of an"
              + " older version; read all of the image, and make the next backup a full one");
    }
    return taken;
  }

  /** The device's map is that of the take. */
  private boolean stillOfTheTake() throws IOException {
    CbtInfo now = device.info();
    return now.deviceCapacity() == capacity && now.point().equals(taken.point());
  }

  @Override
  public int read(long index, ByteBuffer dst) throws IOException {
    CbtInfo own = info();
    if (index < 0 || index > own.blockCount()) {
      throw new BlksnapException(
          Errno.EINVAL,
          "map offset "
              + index
              + " of image "
              + image
              + " refused: the map has "
              + own.blockCount()
              + " bytes, 0 to "
              + own.blockCount());
    }
    int begin = dst.position();
    if (stillOfTheTake()) {
      int length = device.read(index, dst);
      if (stillOfTheTake()) {
        return length;
      }
      dst.position(begin);
    }
    int length = (int) Math.min(dst.remaining(), own.blockCount() - index);
    for (int i = 0; i < length; i++) {
      dst.put((byte) own.changesNumber());
    }
    return length;
  }

  /** What lies behind the present end of a device that shrank has nothing to be marked in. */
  @Override
  public void markDirty(List<ByteRange> ranges) throws IOException {
    long end = Math.min(capacity, device.info().deviceCapacity());
    List<ByteRange> inside = new ArrayList<>();
    for (ByteRange range : ranges) {
      if (range.offset() < 0 || range.length() < 0 || range.offset() > capacity - range.length()) {
        throw new BlksnapException(
            Errno.EINVAL,
            "range "
                + range
                + " refused: it must lie within the "
                + capacity
                + " bytes of image "
                + image
                + "; nothing was marked");
      }
      if (range.offset() < end) {
        inside.add(new ByteRange(range.offset(), Math.min(range.length(), end - range.offset())));
      }
    }
    device.markDirty(inside);
  }

  @Override
  public ChangeSet changedSince(ChangePoint since) throws IOException {
    CbtInfo own = info();
    if (since.equals(ChangePoint.BEGINNING) || stillOfTheTake()) {
      return ChangeSet.of(this, own, since);
    }
    if (!own.generationId().equals(since.generation())) {
      return ChangeSet.whole(
          own, since, "generation " + since.generation() + " is not that of this image");
    }
    if (since.number() > own.changesNumber()) {
      return ChangeSet.whole(
          own,
          since,
          "number " + since.number() + " is above that of this image, " + own.changesNumber());
    }
    CbtInfo now = device.info();
    return ChangeSet.whole(
        own,
        since,
        "the device's change map began anew at "
            + now.since()
            + ", after this image was taken, because "
            + now.reason().text()
            + (now.reasonDetail().isEmpty() ? "" : " (" + now.reasonDetail() + ")"));
  }
}
