// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import org.blksnap.contract.EventSubscriptionContract;
import org.blksnap.contract.SnapshotEvents;

class EventSubscriptionContractTest extends EventSubscriptionContract {
  @Override
  protected SnapshotEvents open() {
    return new RelayedEvents();
  }
}
