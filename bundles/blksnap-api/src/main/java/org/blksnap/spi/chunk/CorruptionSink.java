// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.chunk;

import org.blksnap.api.block.Errno;
import org.osgi.annotation.versioning.ConsumerType;

/** Told once, when a diff area is lost. Never blocks. */
@ConsumerType
@FunctionalInterface
public interface CorruptionSink {
  void corrupted(Errno error, String detail);
}
