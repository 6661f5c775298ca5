// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.kernel.internal.memory.MemoryDisk;
import org.junit.jupiter.api.Test;

/**
 * Any single call to the kernel may fail: nothing is left that nobody knows of, and nothing lent.
 */
class FaultsTest {
  private static final int MOST_CALLS = 200;

  private static void workload(MemoryHouse house, MemoryDisk disk) throws IOException {
    KernelEngine engine = house.engine();
    engine.attachOrGet(AttachRequest.of(disk.path()).named("disk"));
    try (SnapshotLease lease = engine.take(SnapshotRequest.of("disk").labelled("faulty"))) {
      lease.snapshot().info();
      lease.image("disk").changes().info();
    }
    engine.detach("disk");
  }

  private static List<Path> lent(MemoryHouse house) throws IOException {
    Path place = house.directory.resolve("state/kernel/diff");
    if (!Files.exists(place)) {
      return List.of();
    }
    try (var files = Files.list(place)) {
      return files.toList();
    }
  }

  @Test
  void whicheverCallFailsAllCanBeClearedAwayAndDoneAgain() throws IOException {
    int failures = 0;
    for (int calls = 0; calls < MOST_CALLS; calls++) {
      try (MemoryHouse house = new MemoryHouse()) {
        house.kernel.parameter("diff_storage_minimum", 2048);
        MemoryDisk disk = house.disk("disk");
        house.engine();
        house.kernel.failAfter(calls);
        boolean reached = true;
        try {
          workload(house, disk);
          reached = house.kernel.hasFailed();
        } catch (IOException e) {
          failures++;
        }
        house.kernel.failAfter(-1);
        if (!reached) {
          assertTrue(failures > 5, "only " + failures + " calls failed");
          return;
        }
        assertClears(house, calls);
        workload(house, disk);
        assertEquals(List.of(), lent(house), "call " + calls);
        house.leave();
        assertEquals(List.of(), house.engine().collect(), "call " + calls);
      }
    }
    throw new AssertionError("the work makes more than " + MOST_CALLS + " calls");
  }

  private static void assertClears(MemoryHouse house, int calls) throws IOException {
    KernelEngine engine = house.engine();
    for (UUID id : engine.collect()) {
      Snapshot left = engine.snapshot(id);
      assertTrue(
          left.label().equals("faulty") || left.orphaned(),
          "call " + calls + ": who made " + left.id() + " is not known");
      left.destroy();
    }
    for (AttachedDevice device : engine.devices()) {
      assertTrue(device.snapshot().isEmpty(), "call " + calls + ": held by " + device.snapshot());
      engine.detach(device.name());
    }
    assertEquals(List.of(), engine.collect());
    assertEquals(List.of(), lent(house), "call " + calls);
    assertEquals(0, house.host.immutable().size(), "call " + calls);
  }
}
