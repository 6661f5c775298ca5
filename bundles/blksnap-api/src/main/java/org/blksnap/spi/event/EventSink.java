// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.event;

import org.blksnap.api.event.BlksnapEvent;
import org.osgi.annotation.versioning.ConsumerType;

/** Takes events. Never blocks, never throws; any thread. */
@ConsumerType
@FunctionalInterface
public interface EventSink {
  void offer(BlksnapEvent event);
}
