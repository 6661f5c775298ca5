// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Where the engine keeps what outlives it. Registered as a service while that place is there and is
 * the one the engine used last; whoever has files of its own to put beside them asks here, and
 * makes nothing as long as the service is absent. Any thread.
 */
@ProviderType
public interface StateLocation {
  /** The state directory, absolute. It exists, mode 0700. The same as long as the service lives. */
  Path directory();
}
