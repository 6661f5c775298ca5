// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import java.util.List;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.contract.EventQueueContract;
import org.blksnap.spi.event.EventQueue;

class SnapshotQueueContractTest extends EventQueueContract {
  @Override
  protected EventQueue open(List<BlksnapEvent.OfSnapshot> left) {
    return new SnapshotQueue(ID, left);
  }
}
