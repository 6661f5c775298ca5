// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import java.time.Duration;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.contract.SnapshotEvents;

/** A snapshot's events through a relay, as an engine uses it. */
final class RelayedEvents implements SnapshotEvents {
  final EventRelay relay = new EventRelay("test");

  RelayedEvents() {
    relay.open(ID);
  }

  @Override
  public void offer(BlksnapEvent.OfSnapshot event) {
    relay.offer(event);
  }

  @Override
  public BlksnapEvent.OfSnapshot waitEvent(Duration timeout) throws BlksnapException {
    return relay.await(ID, timeout);
  }

  @Override
  public EventSubscription subscribe() throws BlksnapException {
    return relay.subscribe(ID);
  }

  @Override
  public boolean acknowledge(BlksnapEvent.OfSnapshot event) {
    return relay.acknowledge(event);
  }

  @Override
  public void destroy() {
    relay.offer(SnapshotEvents.destroyed());
    relay.close(ID);
  }

  @Override
  public void stop() {
    relay.leave(ID);
  }
}
