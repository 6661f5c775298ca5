// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.spi.event.EventQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the bound of this queue means in numbers; the rest is the contract's. */
@Timeout(60)
class SnapshotQueueTest {
  private static final UUID ID = new UUID(1, 2);
  private final EventQueue queue = new SnapshotQueue(ID, List.of());

  private static BlksnapEvent.LowFreeSpace low(long number) {
    return new BlksnapEvent.LowFreeSpace(number, ID, number);
  }

  private static BlksnapEvent.Corrupted corrupted(String device) {
    return new BlksnapEvent.Corrupted(0, ID, device, 8, 1, Errno.EIO, "test");
  }

  @Test
  void aFullQueueDropsTheOldestLowFreeSpace() {
    queue.offer(corrupted("sda"));
    for (int i = 0; i < Backlog.LIMIT + 9; i++) {
      queue.offer(low(i));
    }
    queue.offer(corrupted("sdb"));
    List<BlksnapEvent.OfSnapshot> left = queue.handOver();
    assertEquals(Backlog.LIMIT, left.size());
    assertEquals(corrupted("sda"), left.get(0));
    assertEquals(low(11), left.get(1));
    assertEquals(corrupted("sdb"), left.get(left.size() - 1));
  }

  @Test
  void aQueueFullOfCorruptedKeepsThemAllAndOneADevice() {
    for (int i = 0; i < Backlog.LIMIT + 3; i++) {
      queue.offer(corrupted("sd" + i));
      queue.offer(corrupted("sd" + i % Backlog.LIMIT));
    }
    queue.offer(low(1));
    List<String> devices =
        queue.handOver().stream()
            .map(e -> ((BlksnapEvent.Corrupted) e).device())
            .distinct()
            .toList();
    assertTrue(devices.size() >= Backlog.LIMIT / 2 + 3, "devices " + devices.size());
    assertTrue(devices.contains("sd" + (Backlog.LIMIT + 2)));
  }
}
