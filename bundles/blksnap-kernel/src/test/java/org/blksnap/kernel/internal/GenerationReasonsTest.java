// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.kernel.internal.memory.MemoryDisk;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Why a map began: what was seen here is said, and nothing else. */
class GenerationReasonsTest {
  private MemoryHouse house;
  private MemoryDisk disk;
  private MemoryDisk storage;

  @BeforeEach
  void begin() throws IOException {
    house = new MemoryHouse();
    disk = house.disk("disk");
    storage = house.disk("storage", 16 << 20);
    attach();
  }

  @AfterEach
  void end() throws IOException {
    house.close();
  }

  private void attach() throws IOException {
    house.engine().attach(AttachRequest.of(disk.path()).named("disk"));
  }

  private ChangePoint take() throws IOException {
    try (SnapshotLease lease =
        house.engine().take(SnapshotRequest.of("disk").on(StorageGrant.all(storage.path())))) {
      return lease.image("disk").changes().info().point();
    }
  }

  private ChangeSet since(ChangePoint point) throws IOException {
    try (SnapshotLease lease =
        house.engine().take(SnapshotRequest.of("disk").on(StorageGrant.all(storage.path())))) {
      ChangeSet set = lease.image("disk").changes().changedSince(point);
      set.extents(0, 100);
      return set;
    }
  }

  private void assertBegan(ChangePoint before, GenerationReason reason) throws IOException {
    ChangeSet set = since(before);
    assertTrue(set.full(), set.toString());
    assertEquals(reason, house.engine().device("disk").orElseThrow().changes().info().reason());
    assertEquals(List.of(new ByteRange(0, set.capacity())), set.extents(0, 10));
    assertTrue(set.fullReason().contains(reason.text()), set.fullReason());
  }

  @Test
  void anEngineThatComesAgainGoesOnWithTheSameMap() throws IOException {
    ChangePoint before = take();
    house.leave();
    house.kernel.write(disk, 1 << 20, new byte[512]);
    ChangeSet set = since(before);
    assertFalse(set.full(), set.fullReason());
    assertEquals(
        GenerationReason.FIRST_ATTACH,
        house.engine().device("disk").orElseThrow().changes().info().reason());
  }

  @Test
  void aDeviceThatWasDetachedIsUnproven() throws IOException {
    ChangePoint before = take();
    house.engine().detach("disk");
    attach();
    assertBegan(before, GenerationReason.UNPROVEN);
  }

  @Test
  void aDeviceThatWasAttachedUnderAnotherNameIsNotAttachedForTheFirstTime() throws IOException {
    house.engine().detach("disk");
    house.engine().attach(AttachRequest.of(disk.path()).named("other"));
    assertEquals(
        GenerationReason.UNPROVEN,
        house.engine().device("other").orElseThrow().changes().info().reason());
  }

  @Test
  void aModuleThatWasLoadedAnewIsUnproven() throws IOException {
    ChangePoint before = take();
    house.leave();
    house.kernel.unload();
    house.kernel.load();
    assertBegan(before, GenerationReason.UNPROVEN);
    assertTrue(
        house
            .engine()
            .device("disk")
            .orElseThrow()
            .changes()
            .info()
            .reasonDetail()
            .contains("loaded anew"));
  }

  @Test
  void anotherCapacityIsAResize() throws IOException {
    ChangePoint before = take();
    house.kernel.resize(disk, MemoryHouse.CAPACITY + (1 << 20));
    assertBegan(before, GenerationReason.RESIZE);
  }

  @Test
  void theTakeAfterNumber254IsAWrap() throws IOException {
    ChangePoint before = take();
    while (before.number() < 254) {
      before = take();
    }
    assertBegan(before, GenerationReason.WRAP);
  }

  @Test
  void anotherMediumIsAnotherDevice() throws IOException {
    ChangePoint before = take();
    house.kernel.change(disk, "2");
    assertBegan(before, GenerationReason.OTHER_DEVICE);
  }

  @Test
  void aGenerationThatNobodySawBeginIsNotKnown() throws IOException {
    ChangePoint before = take();
    house.kernel.renewMap(disk);
    assertBegan(before, GenerationReason.NOT_KNOWN);
  }

  @Test
  void aDeviceThatOthersAttachedIsNotKnown() throws IOException {
    MemoryDisk foreign = house.disk("foreign");
    house.kernel.find().orElseThrow().attach(foreign.path());
    house.engine().attach(AttachRequest.of(foreign.path()).named("foreign"));
    assertEquals(
        GenerationReason.NOT_KNOWN,
        house.engine().device("foreign").orElseThrow().changes().info().reason());
  }

  @Test
  void aRestartOfTheMapIsTheOperators() throws IOException {
    ChangePoint before = take();
    house.engine().device("disk").orElseThrow().restartChanges();
    assertBegan(before, GenerationReason.PARAMETERS_CHANGED);
  }
}
