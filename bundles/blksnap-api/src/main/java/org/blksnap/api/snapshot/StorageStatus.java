// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.List;

/**
 * The difference storage of a snapshot. Everything in 512-byte sectors.
 *
 * @param capacitySectors what was given so far
 * @param filledSectors what was handed out to chunks or skipped
 * @param requestedSectors what the events have asked for in all
 * @param limitSectors how far it may grow by itself; 0 where it does not
 * @param overflown no range was left when one was last needed; false again once more was given
 * @param parts what it is made of, a line each, for a person
 */
public record StorageStatus(
    long capacitySectors,
    long filledSectors,
    long requestedSectors,
    long limitSectors,
    boolean overflown,
    List<String> parts) {
  public StorageStatus {
    parts = List.copyOf(parts);
  }
}
