// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.device;

import java.nio.file.Path;

/**
 * A place where the system tells that a device has been changed. A reading of it is a text without
 * blanks; {@link #NOTHING} where it could not be had.
 *
 * @param path absolute
 */
public record Trace(Kind kind, Path path) {
  /** The reading of a trace that could not be read. */
  public static final String NOTHING = "-";

  /** The reading of what was forced to disk. */
  public static final String FORCED = "forced";

  /** How a trace is read. */
  public enum Kind {
    /** Forced to disk, so that what is still in memory shows in the others: {@link #FORCED}. */
    FORCE,

    /**
     * stat(2), links followed: size, time of last modification, time of last change, device, inode,
     * with commas between them; times in seconds since the epoch with nine decimals.
     */
    STAT,

    /** The first line of a text, its words with commas between them. */
    TEXT
  }
}
