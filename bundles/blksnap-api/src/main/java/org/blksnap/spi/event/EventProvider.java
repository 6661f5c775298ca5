// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.event;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Tells an engine's events to everybody who listens: whiteboard listeners and EventAdmin. The
 * queues of those who wait are the engine's own, so that they outlive a swap of this service. Any
 * thread.
 */
@ProviderType
public interface EventProvider extends EventSink {}
