// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.layout.Veeam6;
import org.blksnap.spi.module.MemberState;
import org.blksnap.spi.module.SnapshotSeed;
import org.blksnap.spi.module.TrackerState;
import org.junit.jupiter.api.Test;

/** What Veeam 6 does, by control calls alone. */
class Veeam6ModuleTest extends ModuleFixture {
  @Test
  void veeamSixIsToldTheDevicesAtTheCreation() throws Exception {
    loadVeeam6();
    Path second = tree.disk("sdb", 259, 16);
    kernel.on(
        Veeam6.CREATE_CALL,
        argument -> {
          assertEquals(2, Veeam6.CREATE_COUNT.get(argument));
          ByteBuffer devices = kernel.at(Veeam6.CREATE_DEVICES.get(argument));
          assertEquals(8, devices.getInt(0));
          assertEquals(300, devices.getInt(4));
          assertEquals(259, devices.getInt(8));
          assertEquals(16, devices.getInt(12));
          Veeam6.CREATE_ID.put(argument, ID);
          return 0;
        });
    assertEquals(ID, module.create(new SnapshotSeed(List.of(disk, second), Optional.empty(), 0)));
    refused(Errno.ENODEV, () -> module.create(SnapshotSeed.NONE));
    refused(
        Errno.EOPNOTSUPP,
        () -> module.create(new SnapshotSeed(List.of(disk), Optional.of(root), 0)));
    refused(Errno.EOPNOTSUPP, () -> module.addDevice(ID, disk));
    refused(Errno.EOPNOTSUPP, () -> module.attach(disk));
    module.take(ID);
    module.collect();
    module.destroy(ID);
    module.version();
    module.detach(disk);
    assertEquals(
        List.of(
            "veeamblksnap 40205605",
            "veeamblksnap 80105608",
            "veeamblksnap 40105609",
            "veeamblksnap 80105606",
            "veeamblksnap 40085600",
            "veeamblksnap 40085601"),
        words());
    assertEquals("080000002c010000", kernel.arguments.get(5));
  }

  private void tracks(int minor) {
    kernel.on(
        Veeam6.TRACKERS_CALL,
        argument -> {
          Veeam6.TRACKERS_COUNT.put(argument, 2);
          return 0;
        });
    kernel.on(
        Veeam6.TRACKERS_CALL,
        argument -> {
          ByteBuffer array = kernel.at(Veeam6.TRACKERS_ARRAY.get(argument)).position(48);
          ByteBuffer info = Layout.buffer(array.slice());
          Veeam6.CBT_INFO_MAJOR.put(info, 8);
          Veeam6.CBT_INFO_MINOR.put(info, minor);
          Veeam6.CBT_INFO_BLOCK_SIZE.put(info, 65_536);
          Veeam6.CBT_INFO_CAPACITY.put(info, 100 * 65_536L);
          Veeam6.CBT_INFO_BLOCK_COUNT.put(info, 100);
          Veeam6.CBT_INFO_GENERATION.put(info, ID);
          Veeam6.CBT_INFO_NUMBER.put(info, 3);
          Veeam6.TRACKERS_COUNT.put(argument, 2);
          return 0;
        });
  }

  @Test
  void veeamSixFindsTheTrackerAmongAll() throws Exception {
    loadVeeam6();
    tracks(300);
    assertEquals(new TrackerState(6_553_600, 65_536, 100, ID, 3), module.tracker(disk));
    tracks(301);
    refused(Errno.ENOENT, () -> module.tracker(disk));
    refused(Errno.ENOENT, () -> module.tracker(disk));
  }

  @Test
  void veeamSixReadsAndMarksByNumber() throws Exception {
    loadVeeam6();
    tracks(300);
    kernel.on(
        Veeam6.READ_MAP_CALL,
        argument -> {
          assertEquals(8, Veeam6.READ_MAP_MAJOR.get(argument));
          assertEquals(300, Veeam6.READ_MAP_MINOR.get(argument));
          assertEquals(40, Veeam6.READ_MAP_OFFSET.get(argument));
          assertEquals(60, Veeam6.READ_MAP_LENGTH.get(argument));
          kernel.at(Veeam6.READ_MAP_BUFFER.get(argument)).put(0, (byte) 9);
          return 60;
        });
    tracks(300);
    ByteBuffer dst = ByteBuffer.allocateDirect(100);
    assertEquals(60, module.readMap(disk, 40, dst));
    assertEquals(9, dst.get(0));
    kernel.on(
        Veeam6.MARK_DIRTY_CALL,
        argument -> {
          assertEquals(300, Veeam6.MARK_DIRTY_MINOR.get(argument));
          assertEquals(1, Veeam6.MARK_DIRTY_COUNT.get(argument));
          assertEquals(8, kernel.at(Veeam6.MARK_DIRTY_RANGES.get(argument)).getLong(0));
          return 0;
        });
    module.markDirty(disk, List.of(new ByteRange(4096, 512)));
    kernel.on(
        Veeam6.APPEND_STORAGE_CALL,
        argument -> {
          assertEquals(ID, Veeam6.APPEND_ID.uuid(argument));
          assertEquals(8, Veeam6.APPEND_MAJOR.get(argument));
          return 0;
        });
    module.appendStorage(ID, disk, List.of(new ByteRange(0, 4096)));
  }

  private void collects(UUID... ids) {
    kernel.on(
        Veeam6.COLLECT_CALL,
        2,
        argument -> {
          Seed.COLLECT_COUNT.put(argument, ids.length);
          if (Seed.COLLECT_IDS.get(argument) != 0) {
            ByteBuffer array = kernel.at(Seed.COLLECT_IDS.get(argument));
            for (int i = 0; i < ids.length; i++) {
              array.order(java.nio.ByteOrder.BIG_ENDIAN);
              array.putLong(i * 16, ids[i].getMostSignificantBits());
              array.putLong(i * 16 + 8, ids[i].getLeastSignificantBits());
            }
          }
          return 0;
        });
  }

  @Test
  void veeamSixFindsTheImageAmongTheSnapshots() throws Exception {
    loadVeeam6();
    UUID gone = UUID.fromString("11111111-2222-3333-4444-555555555555");
    tracks(300);
    collects(gone, ID);
    kernel.on(Veeam6.IMAGES_CALL, argument -> -Errno.ESRCH.code());
    kernel.on(
        Veeam6.IMAGES_CALL,
        2,
        argument -> {
          assertEquals(ID, Veeam6.IMAGES_ID.uuid(argument));
          Veeam6.IMAGES_COUNT.put(argument, 1);
          if (Veeam6.IMAGES_ARRAY.get(argument) != 0) {
            ByteBuffer image = kernel.at(Veeam6.IMAGES_ARRAY.get(argument));
            Veeam6.IMAGE_MAJOR.put(image, 8);
            Veeam6.IMAGE_MINOR.put(image, 300);
            Veeam6.IMAGE_OWN_MINOR.put(image, 7);
          }
          return 0;
        });
    assertEquals(new MemberState(Errno.OK, 0, "veeamblksnapimg7"), module.member(disk));
    assertEquals(tree.devices.resolve("veeamblksnapimg7"), module.imageNode("veeamblksnapimg7"));
    tracks(300);
    collects();
    assertEquals(new MemberState(Errno.OK, 0, ""), module.member(disk));
  }
}
