// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Told how far a copy has come, and asked whether it shall go on. Called in the thread that copies:
 * before the first byte, and after each mebibyte or less.
 */
@ConsumerType
@FunctionalInterface
public interface CopyProgress {
  /** Goes on to the end, silently. */
  CopyProgress NONE = (copied, total) -> true;

  /**
   * False cancels the copy, which ends with {@link Errno#ECANCELED}.
   *
   * @param copied bytes copied so far
   * @param total bytes there are to copy
   */
  boolean goOn(long copied, long total);
}
