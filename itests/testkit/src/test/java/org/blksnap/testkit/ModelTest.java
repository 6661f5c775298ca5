// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;
import org.junit.jupiter.api.Test;

/** The model's own rules, on examples worked out by hand. */
class ModelTest {
  private static final SizeRule TRACKING = new SizeRule(9, 1000, 16);
  private static final SizeRule CHUNKS = new SizeRule(12, 1 << 20, 26);

  private final EngineModel engine = new EngineModel();
  private final DeviceModel device = engine.attach("d", new byte[8192], TRACKING);

  private SnapshotModel taken() {
    SnapshotModel snapshot = engine.create(new UUID(1, engine.snapshots().size()), 16);
    engine.add(snapshot, device);
    snapshot.storage().append(16 * 512);
    engine.take(snapshot, CHUNKS, 0);
    return snapshot;
  }

  @Test
  void theBlockSizeOfTheReferencesExample() {
    assertEquals(512 << 10, new SizeRule(16, 2_097_152, 26).blockSize(1L << 40, 0));
  }

  @Test
  void aWriteIsSeenAfterTheTakeAndNotBefore() {
    engine.write(device, 1000, new byte[600]);
    assertEquals(List.of(), device.changes().changedSince(0));
    taken();
    assertEquals(1, device.changes().changesNumber());
    assertEquals(List.of(new ByteRange(512, 1536)), device.changes().changedSince(0));
    assertEquals(List.of(), device.changes().changedSince(1));
  }

  @Test
  void theTwoHundredFiftyFifthTakeBeginsAnew() {
    for (int take = 1; take <= 254; take++) {
      device.changes().take();
      assertEquals(take, device.changes().changesNumber());
    }
    engine.write(device, 0, new byte[512]);
    assertEquals(0, device.changes().generation());
    device.changes().take();
    assertEquals(1, device.changes().generation());
    assertEquals(0, device.changes().changesNumber());
    assertArrayEquals(new byte[16], device.changes().bytes());
  }

  @Test
  void aFailedImageWriteWithinChangedBlocksIsJudgedByTheNextTake() {
    for (boolean marked : new boolean[] {true, false}) {
      ChangeMapModel changes = new ChangeMapModel(8192, 512, 0);
      changes.mark(0, 1024);
      changes.take();
      changes.markBothOrNot(0, 1024, changes.bytes());
      changes.take();
      byte[] real = new byte[16];
      real[0] = real[1] = (byte) (marked ? 2 : 1);
      changes.learn(real);
      assertArrayEquals(real, changes.bytes());
      changes.take();
      assertArrayEquals(real, changes.bytes());
    }
  }

  @Test
  void aFailedImageWriteBeyondChangedBlocksShowsWhetherItMarked() {
    ChangeMapModel changes = new ChangeMapModel(8192, 512, 0);
    changes.mark(0, 512);
    changes.take();
    byte[] unmarked = changes.bytes();
    changes.markBothOrNot(0, 1024, unmarked);
    changes.take();
    changes.learn(unmarked);
    assertArrayEquals(unmarked, changes.bytes());
    byte[] marked = changes.bytes();
    marked[0] = marked[1] = 2;
    changes.markBothOrNot(0, 1024, marked);
    assertArrayEquals(marked, changes.bytes());
  }

  @Test
  void anImageKeepsWhatTheDeviceWas() {
    SnapshotModel snapshot = taken();
    engine.write(device, 0, new byte[] {1, 2, 3});
    assertArrayEquals(new byte[8192], snapshot.images().get("d").content());
    engine.writeImage(device, snapshot.images().get("d"), 1, new byte[] {9});
    assertEquals(9, snapshot.images().get("d").content()[1]);
    assertEquals(2, device.live()[1]);
  }

  @Test
  void aChunkFillsTheStorageOnce() {
    SnapshotModel snapshot = taken();
    engine.write(device, 0, new byte[10]);
    engine.write(device, 20, new byte[10]);
    engine.writeImage(device, snapshot.images().get("d"), 100, new byte[10]);
    assertEquals(4096, snapshot.storage().filled());
    engine.write(device, 4095, new byte[2]);
    assertEquals(8192, snapshot.storage().filled());
    assertFalse(snapshot.storage().overflown());
  }

  @Test
  void aRemainderTooSmallIsSkippedAndTheEndIsOverflow() {
    StorageModel storage = new StorageModel(16);
    storage.append(5120);
    storage.append(4096);
    storage.allocate(4096);
    storage.allocate(4096);
    assertEquals(9216, storage.filled());
    storage.allocate(512);
    assertTrue(storage.overflown());
  }

  @Test
  void aPortionIsAskedForAtHalfOfTheMinimum() {
    StorageModel storage = new StorageModel(16);
    storage.append(16 * 512);
    storage.allocate(7 * 512);
    assertEquals(List.of(16L), storage.asked());
    storage.allocate(512);
    assertEquals(List.of(16L, 16L), storage.asked());
    storage.allocate(4096);
    assertEquals(32, storage.requested());
  }

  @Test
  void aSmallerDeviceLosesItsImage() {
    SnapshotModel snapshot = taken();
    engine.resize(device, 9216);
    assertFalse(snapshot.images().get("d").lost());
    engine.resize(device, 8192);
    assertFalse(snapshot.images().get("d").lost());
    engine.resize(device, 4096);
    assertTrue(snapshot.images().get("d").lost());
    assertEquals(3, device.changes().generation());
  }
}
