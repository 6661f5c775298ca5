// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.tracker;

import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/** Makes trackers. Any thread. */
@ProviderType
public interface TrackerProvider {
  /**
   * Opens the map's file or makes it. A file that is damaged, of another version, of another device
   * or of which nothing proves that it still speaks of the device's content is replaced by a new
   * generation whose reason says which; it never fails for that. {@link Tracker#begunByOpening}
   * tells. EIO, ENOSPC, EACCES: the file cannot be had.
   */
  Tracker open(TrackerRequest request) throws BlksnapException;
}
