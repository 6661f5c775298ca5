// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.ioctl.internal.layout.Veeam6;
import org.blksnap.ioctl.internal.layout.Veeam7;
import org.blksnap.ioctl.internal.module.NodeLook.Kind;
import org.blksnap.spi.module.EventWait;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.MemberState;
import org.blksnap.spi.module.ModuleEvent;
import org.blksnap.spi.module.SnapshotSeed;
import org.blksnap.spi.module.TrackerState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What the other dialects do otherwise than the seed. */
class DialectsTest {
  private static final UUID ID = UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210");
  private static final SnapshotSeed ON_FILE =
      new SnapshotSeed(List.of(), Optional.of(Path.of("/var/storage")), 1 << 20);

  @TempDir Path root;
  private final FakeKernel kernel = new FakeKernel();
  private FakeTree tree;
  private Path disk;
  private KernelModule module;

  @BeforeEach
  void plantTree() throws Exception {
    tree = new FakeTree(root);
    disk = tree.disk("sda", 8, 300);
  }

  @AfterEach
  void nothingStaysOpen() {
    module.close();
    assertEquals(0, kernel.open.size(), kernel.open.toString());
  }

  private void load() throws Exception {
    module = tree.probe(kernel).find().orElseThrow();
    kernel.asked.clear();
    kernel.arguments.clear();
  }

  private void upstream(Errno form) throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.UPSTREAM_PARAMETERS);
    kernel.on(Upstream.CREATE_CALL, argument -> -form.code());
    load();
  }

  private void linux615() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER)
        .module("blksnap", FakeTree.UPSTREAM_615_PARAMETERS);
    load();
  }

  private void veeam7() throws Exception {
    tree.node("veeamblksnap", Kind.CHARACTER)
        .node("bdevfilter", Kind.CHARACTER)
        .module("veeamblksnap", FakeTree.UPSTREAM_PARAMETERS);
    load();
  }

  private void veeam6() throws Exception {
    tree.node("veeamblksnap", Kind.CHARACTER).module("veeamblksnap", FakeTree.VEEAM_6_PARAMETERS);
    load();
  }

  private static String refused(Errno errno, Executable call) {
    BlksnapException refusal = assertThrows(BlksnapException.class, call);
    assertEquals(errno, refusal.errno(), refusal.getMessage());
    return refusal.getMessage();
  }

  private List<String> words() {
    return kernel.asked.stream()
        .filter(call -> call.startsWith("ioctl "))
        .map(call -> call.substring(call.lastIndexOf('/') + 1))
        .toList();
  }

  private void allWithAnId() throws Exception {
    module.take(ID);
    module.collect();
    module.destroy(ID);
    module.version();
  }

  @Test
  void upstreamSixIsHandedAnOpenFile() throws Exception {
    upstream(Errno.EINVAL);
    kernel.on(
        Upstream.CREATE_CALL,
        argument -> {
          assertEquals("/var/storage", kernel.open.get((int) Upstream.CREATE_6_FD.get(argument)));
          assertEquals(2048, Upstream.CREATE_6_LIMIT.get(argument));
          Upstream.CREATE_6_ID.put(argument, ID);
          return 0;
        });
    assertEquals(ID, module.create(ON_FILE));
    assertEquals(1, kernel.count("close /var/storage"));
    kernel.refuseOpen(Errno.EROFS.code());
    refused(Errno.EROFS, () -> module.create(ON_FILE));
    kernel.on(Upstream.CREATE_CALL, argument -> -Errno.ENOMEM.code());
    refused(Errno.ENOMEM, () -> module.create(ON_FILE));
    assertEquals(2, kernel.count("close /var/storage"));
  }

  @Test
  void upstreamSevenIsToldTheNameOfTheFile() throws Exception {
    upstream(Errno.EFAULT);
    kernel.on(
        Upstream.CREATE_CALL,
        argument -> {
          assertEquals("/var/storage", kernel.text(Upstream.CREATE_FILENAME.get(argument)));
          Upstream.CREATE_ID.put(argument, ID);
          return 0;
        });
    assertEquals(ID, module.create(ON_FILE));
    allWithAnId();
    assertEquals(
        List.of(
            "blksnap-control c0205601",
            "blksnap-control 40105603",
            "blksnap-control 80105604",
            "blksnap-control 40105602",
            "blksnap-control 80085600"),
        words());
  }

  @Test
  void upstreamRefusesWhatItCannot() throws Exception {
    upstream(Errno.EFAULT);
    String said = refused(Errno.EINVAL, () -> module.create(SnapshotSeed.NONE));
    assertTrue(said.contains("has to be told its storage file"), said);
    said =
        refused(
            Errno.EOPNOTSUPP,
            () -> module.appendStorage(ID, disk, List.of(new ByteRange(0, 4096))));
    assertTrue(said.contains("blksnap upstream v7 has no such call"), said);
    refused(
        Errno.EOPNOTSUPP,
        () -> module.create(new SnapshotSeed(List.of(disk), Optional.of(root), 0)));
    refused(Errno.EINVAL, () -> module.create(new SnapshotSeed(List.of(), Optional.of(root), 513)));
    assertEquals(List.of(), kernel.asked);
  }

  @Test
  void upstreamSevenFiltersAsTheSeed() throws Exception {
    upstream(Errno.EFAULT);
    module.attach(disk);
    module.addDevice(ID, disk);
    module.detach(disk);
    assertEquals(List.of("sda c020128c", "sda c030128e", "sda c020128d"), words());
  }

  @Test
  void linux615HasOtherFilterCalls() throws Exception {
    linux615();
    module.attach(disk);
    module.addDevice(ID, disk);
    module.detach(disk);
    assertEquals(List.of("sda c030128e", "sda c0301290", "sda c020128f"), words());
    assertEquals("626c6b736e6170" + "00".repeat(41), kernel.arguments.get(0));
  }

  private void event(long word, int code, long first, int error) {
    kernel.on(
        word,
        argument -> {
          assertEquals(ID, Seed.EVENT_ID.uuid(argument));
          Seed.EVENT_CODE.put(argument, code);
          Seed.EVENT_TIME.put(argument, 77);
          argument.putLong(32, first);
          argument.putInt(40, error);
          return 0;
        });
  }

  private ModuleEvent next() throws Exception {
    try (EventWait wait = module.events(ID)) {
      return wait.next(Duration.ofSeconds(10)).orElseThrow();
    }
  }

  @Test
  void codesOfEventsAreTheDialects() throws Exception {
    linux615();
    long corrupted = 5L << 32 | 253;
    event(Upstream.WAIT_EVENT_CALL, 0, corrupted, -28);
    assertEquals(new ModuleEvent.Corrupted(77, 253, 5, Errno.ENOSPC, 28), next());
    event(Upstream.WAIT_EVENT_CALL, 1, 1000, 0);
    assertEquals(new ModuleEvent.NoSpace(77, 512_000), next());
    event(Upstream.WAIT_EVENT_CALL, 0x42, 1000, 0);
    assertEquals(new ModuleEvent.Other(77, 0x42), next());
    event(Upstream.WAIT_EVENT_CALL, -1, 0, 0);
    assertEquals(new ModuleEvent.Other(77, -1), next());
  }

  @Test
  void upstreamSevenKnowsNoEventOfSpace() throws Exception {
    upstream(Errno.EFAULT);
    event(Upstream.WAIT_EVENT_CALL, 1, 1000, 0);
    assertEquals(new ModuleEvent.Other(77, 1), next());
  }

  @Test
  void veeamSevenAsksForSpaceWithAnotherCode() throws Exception {
    veeam7();
    event(Upstream.WAIT_EVENT_CALL, 1, 1000, 0);
    assertEquals(new ModuleEvent.LowFreeSpace(77, 512_000), next());
    event(Upstream.WAIT_EVENT_CALL, 0, 253, 5);
    assertEquals(new ModuleEvent.Corrupted(77, 253, 0, Errno.EIO, 5), next());
    event(Upstream.WAIT_EVENT_CALL, 1, Long.MIN_VALUE, 0);
    assertEquals(new ModuleEvent.LowFreeSpace(77, Long.MAX_VALUE), next());
  }

  @Test
  void veeamSevenNamesDevicesToItsNodeOfFilters() throws Exception {
    veeam7();
    kernel.on(
        Veeam7.ATTACH_CALL,
        argument -> {
          assertEquals(disk.toString(), kernel.text(Veeam7.NAME_PATH.get(argument)));
          assertEquals("blksnap", Veeam7.NAME_NAME.text(argument));
          return 0;
        });
    kernel.on(
        Veeam7.CTL_CALL,
        argument -> {
          assertEquals(disk.toString(), kernel.text(Veeam7.CTL_PATH.get(argument)));
          assertEquals(Seed.CTL_SNAPSHOTADD, Veeam7.CTL_CMD.get(argument));
          assertEquals(16, Veeam7.CTL_OPTLEN.get(argument));
          assertEquals(ID, Seed.UUID_B.uuid(kernel.at(Veeam7.CTL_OPT.get(argument))));
          return 0;
        });
    module.attach(disk);
    module.addDevice(ID, disk);
    module.detach(disk);
    assertEquals(
        List.of("bdevfilter c028468c", "bdevfilter c038468e", "bdevfilter c028468d"), words());
  }

  @Test
  void aLaterVeeamSevenTakesTheLongAttach() throws Exception {
    veeam7();
    kernel.on(Veeam7.ATTACH_CALL, argument -> -Errno.ENOTTY.code());
    module.attach(disk);
    assertEquals(List.of("bdevfilter c028468c", "bdevfilter c038468c"), words());
    kernel.on(Veeam7.ATTACH_CALL, argument -> -Errno.EALREADY.code());
    refused(Errno.EALREADY, () -> module.attach(disk));
    assertEquals(3, words().size());
  }

  @Test
  void veeamSevenTakesAFileOrRanges() throws Exception {
    veeam7();
    kernel.on(
        Upstream.CREATE_CALL,
        argument -> {
          assertEquals(0, Upstream.CREATE_FILENAME.get(argument));
          Upstream.CREATE_ID.put(argument, ID);
          return 0;
        });
    assertEquals(ID, module.create(SnapshotSeed.NONE));
    kernel.on(
        Veeam7.APPEND_STORAGE_CALL,
        argument -> {
          assertEquals(ID, Veeam7.APPEND_ID.uuid(argument));
          assertEquals(disk.toString(), kernel.text(Veeam7.APPEND_PATH.get(argument)));
          assertEquals(1, Veeam7.APPEND_COUNT.get(argument));
          assertEquals(8, kernel.at(Veeam7.APPEND_RANGES.get(argument)).getLong(8));
          return 0;
        });
    module.appendStorage(ID, disk, List.of(new ByteRange(0, 4096)));
  }

  @Test
  void vendorsSayAWordOfTheirOwn() throws Exception {
    veeam7();
    kernel.on(
        Veeam7.MODIFICATION_CALL,
        argument -> {
          Veeam7.MODIFICATION_NAME.put(argument, "VAL");
          return 0;
        });
    kernel.on(Veeam7.MODIFICATION_CALL, argument -> -Errno.ENOTTY.code());
    assertEquals("VAL", module.modification());
    assertEquals("", module.modification());
  }

  @Test
  void veeamSixIsToldTheDevicesAtTheCreation() throws Exception {
    veeam6();
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
    allWithAnId();
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
    veeam6();
    tracks(300);
    assertEquals(new TrackerState(6_553_600, 65_536, 100, ID, 3), module.tracker(disk));
    tracks(301);
    refused(Errno.ENOENT, () -> module.tracker(disk));
    refused(Errno.ENOENT, () -> module.tracker(disk));
  }

  @Test
  void veeamSixReadsAndMarksByNumber() throws Exception {
    veeam6();
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
    veeam6();
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

  @Test
  void parametersAreTheModulesOwnInAKnownOrder() throws Exception {
    tree.module("blksnap", "zeta=1", "alpha=2", "name=text");
    upstream(Errno.EFAULT);
    assertEquals(
        List.of(
            "tracking_block_minimum_shift",
            "tracking_block_maximum_count",
            "tracking_block_maximum_shift",
            "chunk_minimum_shift",
            "chunk_maximum_count_shift",
            "chunk_maximum_shift",
            "chunk_maximum_in_queue",
            "free_diff_buffer_pool_size",
            "diff_storage_minimum",
            "alpha",
            "zeta"),
        List.copyOf(module.parameters().keySet()));
    module.setParameter("zeta", -5);
    assertEquals(-5, module.parameters().get("zeta"));
    String said = refused(Errno.ENOENT, () -> module.setParameter("chunk_maximum_count", 1));
    assertTrue(said.contains("chunk_maximum_count_shift"), said);
    refused(Errno.ENOENT, () -> module.setParameter("../parameters/zeta", 1));
    refused(Errno.ENOENT, () -> module.setParameter("", 1));
    Files.delete(tree.parameters("blksnap").resolve("zeta"));
    refused(Errno.ENOENT, () -> module.setParameter("zeta", 1));
    assertTrue(Files.notExists(tree.parameters("blksnap").resolve("zeta")), "made a file");
    Files.createDirectory(tree.parameters("blksnap").resolve("zeta"));
    said = assertThrows(BlksnapException.class, () -> module.setParameter("zeta", 1)).toString();
    assertTrue(said.startsWith("parameter zeta=1: "), said);
  }
}
