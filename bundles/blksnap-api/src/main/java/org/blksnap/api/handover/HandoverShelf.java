// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.handover;

import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A shelf that outlives the bundle that puts something on it. What is left must be neutral: JDK
 * types only (buffers, maps, channels, paths), never a class of the bundle itself, so that the old
 * bundle can be thrown away. It outlives every engine too: what a bundle leaves when the engine's
 * bundle goes is there for whoever comes with the next one. It does not outlive its own bundle:
 * what lies there when that one goes is closed.
 *
 * <p>What nobody fetches within the engine's {@code handover_timeout} is closed (where {@link
 * AutoCloseable}, also one level inside a Collection or Map) and dropped. Thread rule: any thread.
 */
@ProviderType
public interface HandoverShelf {
  /**
   * Leaves state under a key such as {@code nbd.connections}; an older one under that key is
   * closed.
   */
  void leave(String key, Object neutral);

  /** Takes what was left, once. */
  Optional<Object> fetch(String key);
}
