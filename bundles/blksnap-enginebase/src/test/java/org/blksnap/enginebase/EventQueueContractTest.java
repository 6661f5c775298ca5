// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import org.blksnap.contract.EventQueueContract;
import org.blksnap.contract.SnapshotEvents;

class EventQueueContractTest extends EventQueueContract {
  @Override
  protected SnapshotEvents open() {
    return new RelayedEvents();
  }
}
