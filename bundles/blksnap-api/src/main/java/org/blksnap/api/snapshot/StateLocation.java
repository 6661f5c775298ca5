// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Where the engine keeps what outlives it. Registered as a service while that place is there and is
 * the one the engine used last; whoever has files of its own to put beside them asks here, and
 * makes nothing as long as the service is absent.
 *
 * <p>The service may be replaced by another one for the same place while an engine works there: its
 * bundle was updated. Whoever is at work goes on then. It moves only where {@link #leftForGood}
 * says so, or where the next service names another place. Any thread.
 */
@ProviderType
public interface StateLocation {
  /** The state directory, absolute. It exists, mode 0700. The same as long as the service lives. */
  Path directory();

  /**
   * What is configured for the mapped state of an engine at work: empty for a place in memory that
   * the engine chooses, {@code none} for the state directory itself, else the path of a directory,
   * which nobody has looked at yet. The same as long as the service lives.
   */
  String hotDirectoryChoice();

  /**
   * True once another place is configured: whoever has state here closes it as at a clean stop,
   * since no successor will look for it. Becomes true before the service is unregistered, and never
   * false again. False where the service goes for any other reason.
   */
  boolean leftForGood();
}
