// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.List;

/**
 * The difference storage of a snapshot. Everything in bytes, multiples of 512.
 *
 * @param capacityBytes what was given so far
 * @param filledBytes what was handed out to chunks or skipped; at least so much where the engine
 *     does not tell all ({@link Capability#STORAGE_FILL})
 * @param requestedBytes what the events have asked for in all
 * @param limitBytes how far it may grow by itself; 0 where it does not
 * @param overflown no range was left when one was last needed; false again once more was given
 * @param parts what it is made of, a line each, for a person
 */
public record StorageStatus(
    long capacityBytes,
    long filledBytes,
    long requestedBytes,
    long limitBytes,
    boolean overflown,
    List<String> parts) {
  public StorageStatus {
    parts = List.copyOf(parts);
  }
}
