// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * A difference storage as the reference tells it (section 7): a list of lengths and a walk. Two
 * things are beyond it, and then it says so: chunks of zeroes need no room, and no more is asked
 * for than the devices can need.
 */
public final class StorageModel {
  private static final int SECTOR = 512;

  private final List<Long> parts = new ArrayList<>();
  private final List<Long> asked = new ArrayList<>();
  private long minimum;
  private long requested;
  private long filled;
  private boolean overflown;
  private boolean zeroes;
  private boolean bounded;
  private LongSupplier devices = () -> 0;

  /** {@code minimum} is sectors. */
  StorageModel(long minimum) {
    this.minimum = minimum;
    requested = minimum;
    asked.add(minimum);
  }

  /** Bytes of all devices of the snapshot. */
  void devices(LongSupplier bytes) {
    devices = bytes;
  }

  /** Something that was touched holds zeroes. */
  void sawZeroes() {
    zeroes = true;
  }

  /** What is filled is known to the sector. */
  public boolean fillIsExact() {
    return !zeroes && !overflown;
  }

  /** What is asked for is known to the sector. */
  public boolean askingIsExact() {
    return fillIsExact() && !bounded;
  }

  /** The parameter was changed. */
  public void minimum(long sectors) {
    minimum = sectors;
  }

  /** Adds a range of so many bytes. */
  public void append(long bytes) {
    parts.add(bytes);
    ask();
  }

  /** One chunk. */
  public void allocate(int bytes) {
    long end = 0;
    for (long length : parts) {
      long from = Math.max(end, filled);
      end += length;
      if (!overflown && end - from >= bytes) {
        filled = from + bytes;
        ask();
        return;
      }
    }
    overflown = true;
  }

  private void ask() {
    long need = devices.getAsLong();
    bounded |= need > 0 && need - capacity() < minimum * SECTOR;
    if (capacity() / SECTOR >= requested && requested - filled / SECTOR <= minimum / 2) {
      requested += minimum;
      asked.add(minimum);
    }
  }

  public boolean isEmpty() {
    return parts.isEmpty();
  }

  /** Bytes. */
  public long capacity() {
    return parts.stream().mapToLong(length -> length).sum();
  }

  /** Bytes. */
  public long filled() {
    return filled;
  }

  /** Sectors. */
  public long requested() {
    return requested;
  }

  public boolean overflown() {
    return overflown;
  }

  /** Sectors of each event so far. */
  public List<Long> asked() {
    return List.copyOf(asked);
  }
}
