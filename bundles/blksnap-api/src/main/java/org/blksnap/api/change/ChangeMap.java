// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

import java.io.IOException;
import java.util.List;
import org.blksnap.api.block.ByteRange;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The readable change map of one device: as it was at the last take (reference, section 4). It
 * never claims less than what changed; it may claim more.
 *
 * <p>Thread rule: any thread. A take between two calls changes the answers; compare {@link
 * CbtInfo#changesNumber} to notice.
 */
@ProviderType
public interface ChangeMap extends MapBytes {
  /**
   * Marks ranges (bytes) as changed in both maps, so that the next incremental reads them ({@code
   * cbtdirty}). EINVAL where a range is not inside the device; then none was marked.
   */
  void markDirty(List<ByteRange> ranges) throws IOException;

  /**
   * What changed since the point and up to the last take. A point of another generation, or with a
   * number above {@link CbtInfo#changesNumber}: a full set with its reason, never an error. EFAULT
   * where the map is corrupted.
   */
  ChangeSet changedSince(ChangePoint since) throws IOException;
}
