// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import org.blksnap.contract.TrackerContract;
import org.blksnap.spi.tracker.TrackerProvider;
import org.junit.jupiter.api.Nested;

class TrackerContractTest {
  private abstract static class OfMappedTrackers extends TrackerContract {
    private final MappedTrackerProvider provider = new MappedTrackerProvider();

    @Override
    protected TrackerProvider provider() {
      return provider;
    }
  }

  @Nested
  class Ordinary extends OfMappedTrackers {
    @Override
    protected boolean durable() {
      return false;
    }
  }

  @Nested
  class Durable extends OfMappedTrackers {
    @Override
    protected boolean durable() {
      return true;
    }
  }
}
