// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.module.MemberState;
import org.blksnap.spi.module.TrackerState;

/** What a module answered, taken only where it can be true. */
final class Answers {
  private Answers() {}

  static TrackerState tracker(
      String path, long capacity, long blockSize, long blockCount, UUID generation, int number)
      throws BlksnapException {
    String told = "capacity " + capacity + ", " + blockCount + " blocks of " + blockSize + " bytes";
    if (blockCount > Integer.MAX_VALUE) {
      throw new BlksnapException(
          Errno.EOVERFLOW,
          "cbtinfo on "
              + path
              + ": "
              + told
              + "; at most 2147483647 blocks are known here: raise tracking_block_minimum_shift");
    }
    boolean whole = blockSize > 0 && blockSize <= 1 << 30 && Long.bitCount(blockSize) == 1;
    if (!whole || capacity < 0 || blockCount * blockSize < capacity) {
      throw Refusal.untrue("cbtinfo", path, told + ", which cover no such device");
    }
    return new TrackerState(capacity, (int) blockSize, (int) blockCount, generation, number);
  }

  /** The error as the module has it, negated or not. */
  static MemberState member(String path, int error, String image) throws BlksnapException {
    int number = Math.abs(error);
    return new MemberState(
        number == 0 ? Errno.OK : Errno.of(number), number, imageName(path, image));
  }

  /** A name in the tree of devices, without a way to other places. */
  static String imageName(String path, String image) throws BlksnapException {
    if (!image.matches("[\\w:.-]*") || image.startsWith(".")) {
      throw Refusal.untrue("snapshotinfo", path, "an image '" + image + "', which names no node");
    }
    return image;
  }
}
