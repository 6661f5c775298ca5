// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

/**
 * Sizes of a device, all in bytes.
 *
 * @param capacity size of the device; a multiple of 512
 * @param logicalBlockSize smallest unit that can be addressed; 512 for a regular file
 * @param physicalBlockSize smallest unit written without a read-modify-write
 * @param minimumIo preferred smallest request; chunks are not made smaller
 * @param rotational true for a spinning disk
 * @param readOnly true where writes are refused with EROFS
 */
public record Geometry(
    long capacity,
    int logicalBlockSize,
    int physicalBlockSize,
    int minimumIo,
    boolean rotational,
    boolean readOnly) {
  public Geometry {
    if (capacity < 0 || logicalBlockSize < 512 || Integer.bitCount(logicalBlockSize) != 1) {
      throw new IllegalArgumentException(
          "capacity "
              + capacity
              + ", logical block "
              + logicalBlockSize
              + ": capacity must be 0 or more, the block a power of two from 512");
    }
  }

  public Geometry withCapacity(long newCapacity) {
    return new Geometry(
        newCapacity, logicalBlockSize, physicalBlockSize, minimumIo, rotational, readOnly);
  }

  public Geometry withReadOnly(boolean newReadOnly) {
    return new Geometry(
        capacity, logicalBlockSize, physicalBlockSize, minimumIo, rotational, newReadOnly);
  }
}
