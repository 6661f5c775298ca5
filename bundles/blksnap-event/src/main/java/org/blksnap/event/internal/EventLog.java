// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.BlksnapEventListener;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes into the log what became of snapshots, a line an event. What the engine says itself, with
 * more to it, is left out: corrupted images and new generations; and so is the wish for more
 * storage, which is part of every ordinary snapshot and which {@code blksnap:doctor} tells.
 */
@Component(service = BlksnapEventListener.class)
public final class EventLog implements BlksnapEventListener {
  private static final Logger LOG = LoggerFactory.getLogger("org.blksnap.events");

  @Override
  public void onEvent(BlksnapEvent event) {
    if (event instanceof BlksnapEvent.Taken taken) {
      LOG.info("snapshot {} taken of {}", taken.snapshot(), String.join(", ", taken.devices()));
    } else if (event instanceof BlksnapEvent.Destroyed destroyed) {
      LOG.info("snapshot {} destroyed", destroyed.snapshot());
    }
  }
}
