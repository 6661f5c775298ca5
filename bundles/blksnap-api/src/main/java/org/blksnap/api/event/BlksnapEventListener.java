// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.event;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: register a service of this type to be told of every event. Called one event at a
 * time, in order, in a thread that serves this listener alone; one that throws goes on being
 * called, one that takes longer than a second is reported in the log. Up to 1024 events wait for
 * it. {@code blksnap:doctor} names one that hangs; it holds up nobody else.
 */
@ConsumerType
public interface BlksnapEventListener {
  void onEvent(BlksnapEvent event);
}
