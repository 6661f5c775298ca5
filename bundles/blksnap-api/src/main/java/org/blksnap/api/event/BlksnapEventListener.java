// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.event;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: register a service of this type to be told of every event. Called one event at a
 * time, in order, from one dispatcher thread; a listener that throws or takes longer than a second
 * is reported in the log, and goes on being called.
 */
@ConsumerType
public interface BlksnapEventListener {
  void onEvent(BlksnapEvent event);
}
