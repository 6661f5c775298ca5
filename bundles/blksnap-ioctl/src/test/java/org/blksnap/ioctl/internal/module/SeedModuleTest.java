// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Version;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.module.NodeLook.Kind;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.SnapshotSeed;
import org.blksnap.spi.module.TrackerState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** The calls of the seed, and what all dialects share. */
class SeedModuleTest {
  private static final UUID ID = UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210");
  private static final UUID OTHER = UUID.fromString("11111111-2222-3333-4444-555555555555");
  private static final String ID_BYTES = "0123456789abcdeffedcba9876543210";

  @TempDir Path root;
  private final FakeKernel kernel = new FakeKernel();
  private FakeTree tree;
  private Path disk;
  private KernelModule module;

  @BeforeEach
  void load() throws Exception {
    tree = new FakeTree(root);
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    disk = tree.disk("sda", 8, 0);
    module = tree.probe(kernel).find().orElseThrow();
    kernel.asked.clear();
  }

  @AfterEach
  void nothingStaysOpen() {
    module.close();
    assertEquals(0, kernel.open.size(), kernel.open.toString());
  }

  private static BlksnapException refused(Errno errno, Executable call) {
    BlksnapException refusal = assertThrows(BlksnapException.class, call);
    assertEquals(errno, refusal.errno(), refusal.getMessage());
    return refusal;
  }

  private void answers(long word, Errno errno) {
    kernel.on(word, argument -> -errno.code());
  }

  private void tells(int blocks, UUID generation) {
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          assertEquals(Seed.CTL_CBTINFO, Seed.CTL_CMD.get(argument));
          assertEquals(40, Seed.CTL_OPTLEN.get(argument));
          ByteBuffer info = kernel.at(Seed.CTL_OPT.get(argument));
          Seed.CBTINFO_CAPACITY.put(info, blocks * 65_536L);
          Seed.CBTINFO_BLOCK_SIZE.put(info, 65_536);
          Seed.CBTINFO_BLOCK_COUNT.put(info, blocks);
          Seed.CBTINFO_GENERATION.put(info, generation);
          Seed.CBTINFO_NUMBER.put(info, 200);
          return 0;
        });
  }

  @Test
  void versionIsTheModulesOwn() throws Exception {
    kernel.on(
        Seed.VERSION_CALL,
        argument -> {
          Seed.VERSION_MAJOR.put(argument, 2);
          Seed.VERSION_BUILD.put(argument, 65_535);
          return 0;
        });
    assertEquals(new Version(2, 0, 0, 65_535), module.version());
    assertEquals("", module.modification());
  }

  @Test
  void theFourCallsWithAnIdHandItOver() throws Exception {
    kernel.on(
        Seed.CREATE_CALL,
        argument -> {
          Seed.UUID_B.put(argument, ID);
          return 0;
        });
    assertEquals(ID, module.create(SnapshotSeed.NONE));
    module.take(ID);
    module.destroy(ID);
    assertEquals("00".repeat(16), kernel.arguments.get(0));
    assertEquals(List.of(ID_BYTES, ID_BYTES), kernel.arguments.subList(1, 3));
    assertTrue(kernel.asked.get(1).endsWith("blksnap-control 80105604"), "" + kernel.asked);
    assertTrue(kernel.asked.get(2).endsWith("blksnap-control 80105602"), "" + kernel.asked);
  }

  @Test
  void failuresKeepTheirErrnoAndNameCallArgumentAndNode() {
    answers(Seed.TAKE_CALL, Errno.ESRCH);
    String said = refused(Errno.ESRCH, () -> module.take(ID)).getMessage();
    assertTrue(said.startsWith("snapshot_take of " + ID + " on "), said);
    assertTrue(said.endsWith("blksnap-control: no such snapshot"), said);
    answers(Seed.DESTROY_CALL, Errno.ENODEV);
    said = refused(Errno.ENODEV, () -> module.destroy(ID)).getMessage();
    assertTrue(said.contains("there is no such snapshot"), said);
    kernel.on(Seed.TAKE_CALL, argument -> -121);
    said = refused(Errno.EIO, () -> module.take(ID)).getMessage();
    assertTrue(said.endsWith("errno 121"), said);
    answers(Seed.CREATE_CALL, Errno.EPERM);
    said = refused(Errno.EPERM, () -> module.create(SnapshotSeed.NONE)).getMessage();
    assertTrue(said.contains("needs CAP_SYS_ADMIN"), said);
  }

  @Test
  void everyErrnoOfTheVocabularyComesThrough() {
    for (Errno errno : Errno.values()) {
      if (errno != Errno.OK && errno != Errno.EINTR) {
        answers(Seed.CTL_CALL, errno);
        refused(errno, () -> module.addDevice(ID, disk));
      }
    }
    assertEquals(1, kernel.open.size(), "a device stays open: " + kernel.open);
  }

  @Test
  void aQuestionThatASignalBrokeOffIsAskedAgain() throws Exception {
    kernel.on(Seed.VERSION_CALL, 3, argument -> -Errno.EINTR.code());
    module.version();
    assertEquals(4, kernel.arguments.size());
    kernel.on(Seed.VERSION_CALL, Node.SIGNAL_RETRIES + 1, argument -> -Errno.EINTR.code());
    refused(Errno.EINTR, () -> module.version());
  }

  @Test
  void aChangeThatASignalBrokeOffIsNotMadeTwice() {
    List<Executable> changes =
        List.of(
            () -> module.create(SnapshotSeed.NONE),
            () -> module.destroy(ID),
            () -> module.take(ID),
            () -> module.appendStorage(ID, disk, List.of(new ByteRange(0, 4096))),
            () -> module.attach(disk),
            () -> module.detach(disk),
            () -> module.addDevice(ID, disk));
    for (long word :
        new long[] {
          Seed.CREATE_CALL,
          Seed.DESTROY_CALL,
          Seed.TAKE_CALL,
          Seed.APPEND_STORAGE_CALL,
          Seed.ATTACH_CALL,
          Seed.DETACH_CALL,
          Seed.CTL_CALL
        }) {
      answers(word, Errno.EINTR);
    }
    for (Executable change : changes) {
      String said = refused(Errno.EINTR, change).getMessage();
      assertTrue(said.contains("not made again"), said);
    }
    assertEquals(changes.size(), kernel.arguments.size());
  }

  @Test
  void openingIsTriedAgainAfterASignal() throws Exception {
    kernel.refuseOpen(Errno.EINTR.code());
    kernel.refuseOpen(Errno.EINTR.code());
    module.attach(disk);
    assertEquals(3, kernel.count("open " + disk));
  }

  @Test
  void filterCallsGoToTheDeviceWhichIsClosedAgain() throws Exception {
    module.attach(disk);
    module.detach(disk);
    assertEquals(
        List.of(
            "open " + disk,
            "ioctl " + disk + " c020128c",
            "close " + disk,
            "open " + disk,
            "ioctl " + disk + " c020128d",
            "close " + disk),
        kernel.asked);
    assertEquals("626c6b736e6170" + "00".repeat(25), kernel.arguments.get(0));
    assertEquals(0x80800, kernel.flags.get(12), "O_RDONLY|O_NONBLOCK|O_CLOEXEC");
  }

  @Test
  void whatIsNoBlockDeviceIsNotEvenOpened() throws Exception {
    tree.node("tty", Kind.CHARACTER);
    String said =
        refused(Errno.ENOTBLK, () -> module.attach(tree.devices.resolve("tty"))).getMessage();
    assertTrue(said.contains("a character device"), said);
    refused(Errno.ENOENT, () -> module.tracker(tree.devices.resolve("missing")));
    assertEquals(List.of(), kernel.asked);
  }

  @Test
  void addDeviceHandsTheIdOver() throws Exception {
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          assertEquals("blksnap", Seed.CTL_NAME.text(argument));
          assertEquals(Seed.CTL_SNAPSHOTADD, Seed.CTL_CMD.get(argument));
          assertEquals(ID, Seed.UUID_B.uuid(kernel.at(Seed.CTL_OPT.get(argument))));
          return 0;
        });
    module.addDevice(ID, disk);
  }

  @Test
  void memberTellsImageAndError() throws Exception {
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          ByteBuffer info = kernel.at(Seed.CTL_OPT.get(argument));
          Seed.SNAPSHOTINFO_ERROR.put(info, -28);
          Seed.SNAPSHOTINFO_IMAGE.put(info, "blksnap-image_8:0");
          return 0;
        });
    var member = module.member(disk);
    assertEquals(Errno.ENOSPC, member.error());
    assertEquals(28, member.errorNumber());
    assertEquals(tree.devices.resolve("blksnap-image_8:0"), module.imageNode(member.image()));
  }

  @Test
  void anImageOutsideOfTheDevicesIsNotBelieved() {
    for (String image : List.of("../../etc/passwd", "/dev/sda", ".hidden", "a b")) {
      kernel.on(
          Seed.CTL_CALL,
          argument -> {
            Seed.SNAPSHOTINFO_IMAGE.put(kernel.at(Seed.CTL_OPT.get(argument)), image);
            return 0;
          });
      refused(Errno.EFAULT, () -> module.member(disk));
    }
    assertThrows(IllegalArgumentException.class, () -> module.imageNode(""));
    assertThrows(IllegalArgumentException.class, () -> module.imageNode("../x"));
  }

  @Test
  void trackerTellsWhatTheModuleTells() throws Exception {
    tells(100, ID);
    assertEquals(new TrackerState(6_553_600, 65_536, 100, ID, 200), module.tracker(disk));
  }

  @Test
  void aTrackerThatCoversNoSuchDeviceIsNotBelieved() {
    long[][] lies = {{1 << 20, 65_536, 15}, {1 << 20, 0, 16}, {-1, 65_536, 16}, {10, 3, 16}};
    for (long[] lie : lies) {
      kernel.on(
          Seed.CTL_CALL,
          argument -> {
            ByteBuffer info = kernel.at(Seed.CTL_OPT.get(argument));
            Seed.CBTINFO_CAPACITY.put(info, lie[0]);
            Seed.CBTINFO_BLOCK_SIZE.put(info, lie[1]);
            Seed.CBTINFO_BLOCK_COUNT.put(info, lie[2]);
            return 0;
          });
      refused(Errno.EFAULT, () -> module.tracker(disk));
    }
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          ByteBuffer info = kernel.at(Seed.CTL_OPT.get(argument));
          Seed.CBTINFO_BLOCK_SIZE.put(info, 512);
          Seed.CBTINFO_BLOCK_COUNT.put(info, 1L << 31);
          return 0;
        });
    refused(Errno.EOVERFLOW, () -> module.tracker(disk));
  }

  private void fills(long offset, int length, byte value) {
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          assertEquals(Seed.CTL_CBTMAP, Seed.CTL_CMD.get(argument));
          ByteBuffer option = kernel.at(Seed.CTL_OPT.get(argument));
          assertEquals(offset, Seed.CBTMAP_OFFSET.get(option));
          assertEquals(length, Seed.CBTMAP_LENGTH.get(option));
          ByteBuffer map = kernel.at(Seed.CBTMAP_BUFFER.get(option));
          for (int i = 0; i < length; i++) {
            map.put(i, value);
          }
          return 0;
        });
  }

  @Test
  void theMapIsReadIntoTheCallersOwnMemory() throws Exception {
    tells(100, ID);
    fills(90, 10, (byte) 7);
    tells(100, ID);
    ByteBuffer dst = ByteBuffer.allocateDirect(64).position(5);
    assertEquals(10, module.readMap(disk, 90, dst));
    assertEquals(15, dst.position());
    assertEquals(0, dst.get(4));
    assertEquals(7, dst.get(5));
    assertEquals(7, dst.get(14));
    assertEquals(0, dst.get(15));
  }

  @Test
  void aHeapBufferIsFilledInPieces() throws Exception {
    int blocks = MapReading.COPY_PIECE + 100;
    tells(blocks, ID);
    fills(0, MapReading.COPY_PIECE, (byte) 1);
    fills(MapReading.COPY_PIECE, 100, (byte) 2);
    tells(blocks, ID);
    ByteBuffer dst = ByteBuffer.allocate(blocks + 3);
    assertEquals(blocks, module.readMap(disk, 0, dst));
    assertEquals(blocks, dst.position());
    assertEquals(1, dst.get(MapReading.COPY_PIECE - 1));
    assertEquals(2, dst.get(MapReading.COPY_PIECE));
  }

  @Test
  void aMapThatBeginsAnewWhileItIsReadIsReadAgain() throws Exception {
    tells(100, ID);
    fills(0, 100, (byte) 9);
    tells(50, OTHER);
    tells(50, OTHER);
    fills(0, 50, (byte) 1);
    tells(50, OTHER);
    ByteBuffer dst = ByteBuffer.allocateDirect(100);
    assertEquals(50, module.readMap(disk, 0, dst));
    assertEquals(50, dst.position());
    assertEquals(1, dst.get(0));
  }

  @Test
  void aMapThatNeverRestsIsToBeTriedAgain() {
    for (int i = 0; i < MapReading.ROUNDS; i++) {
      tells(10, ID);
      fills(0, 10, (byte) 0);
      tells(10, OTHER);
    }
    ByteBuffer dst = ByteBuffer.allocateDirect(10);
    refused(Errno.EAGAIN, () -> module.readMap(disk, 0, dst));
    assertEquals(0, dst.position());
  }

  @Test
  void placesPastTheMapAreRefusedAndItsEndIsEmpty() throws Exception {
    for (long index : new long[] {-1, 101, 1L << 32, Long.MAX_VALUE}) {
      tells(100, ID);
      String said =
          refused(Errno.EINVAL, () -> module.readMap(disk, index, ByteBuffer.allocateDirect(1)))
              .getMessage();
      assertTrue(said.contains("the map has 100 bytes"), said);
    }
    tells(100, ID);
    assertEquals(0, module.readMap(disk, 100, ByteBuffer.allocateDirect(1)));
    refused(
        Errno.EINVAL,
        () -> module.readMap(disk, 0, ByteBuffer.allocateDirect(1).asReadOnlyBuffer()));
  }

  private List<Long> sectors(long address, long count) {
    List<Long> sectors = new ArrayList<>();
    ByteBuffer array = kernel.at(address);
    for (int i = 0; i < count * 2; i++) {
      sectors.add(array.getLong(i * 8));
    }
    return sectors;
  }

  @Test
  void dirtyRangesGoOverAsSectors() throws Exception {
    List<Long> got = new ArrayList<>();
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          ByteBuffer option = kernel.at(Seed.CTL_OPT.get(argument));
          got.addAll(sectors(Seed.CBTDIRTY_SECTORS.get(option), Seed.CBTDIRTY_COUNT.get(option)));
          return 0;
        });
    module.markDirty(disk, List.of(new ByteRange(512, 1024), new ByteRange(1L << 50, 512)));
    assertEquals(List.of(1L, 2L, 1L << 41, 1L), got);
    module.markDirty(disk, List.of());
  }

  @Test
  void crookedRangesAreRefusedBeforeAnyCall() {
    List<ByteRange> crooked =
        List.of(new ByteRange(1, 512), new ByteRange(0, 100), new ByteRange(512, 0));
    for (ByteRange range : crooked) {
      List<ByteRange> ranges = List.of(new ByteRange(0, 512), range);
      String said = refused(Errno.EINVAL, () -> module.markDirty(disk, ranges)).getMessage();
      assertTrue(said.contains("multiples of 512"), said);
      refused(Errno.EINVAL, () -> module.appendStorage(ID, disk, ranges));
    }
    assertEquals(List.of(), kernel.asked);
  }

  @Test
  void manyRangesGoInSlicesAndAFailureTellsWhatStays() throws Exception {
    int many = SectorRanges.SLICE * 2 + 1;
    List<ByteRange> ranges = Collections.nCopies(many, new ByteRange(4096, 4096));
    List<Long> counts = new ArrayList<>();
    FakeKernel.Answer takes =
        argument -> {
          counts.add(Seed.APPEND_COUNT.get(argument));
          assertEquals(disk.toString(), kernel.text(Seed.APPEND_PATH.get(argument)));
          assertEquals(disk.toString().length() + 1, Seed.APPEND_PATH_SIZE.get(argument));
          assertEquals(ID, Seed.APPEND_ID.uuid(argument));
          return 0;
        };
    kernel.on(Seed.APPEND_STORAGE_CALL, 3, takes);
    module.appendStorage(ID, disk, ranges);
    assertEquals(List.of(65_536L, 65_536L, 1L), counts);
    kernel.on(Seed.APPEND_STORAGE_CALL, takes);
    answers(Seed.APPEND_STORAGE_CALL, Errno.ENOMEM);
    String said = refused(Errno.ENOMEM, () -> module.appendStorage(ID, disk, ranges)).getMessage();
    assertTrue(said.contains("first 65536 of 131073 ranges were taken"), said);
  }

  private void tellsIds(int asked, UUID... ids) {
    kernel.on(
        Seed.COLLECT_CALL,
        argument -> {
          long room = Seed.COLLECT_COUNT.get(argument);
          long address = Seed.COLLECT_IDS.get(argument);
          Seed.COLLECT_COUNT.put(argument, ids.length);
          assertEquals(asked == 0, address == 0);
          if (asked == 0) {
            return 0;
          }
          if (room < ids.length) {
            return -Errno.ENODATA.code();
          }
          for (int i = 0; i < ids.length; i++) {
            Seed.UUID_B.put(
                org.blksnap.ioctl.internal.layout.Layout.buffer(
                    kernel.at(address).position(i * 16).slice()),
                ids[i]);
          }
          return 0;
        });
  }

  @Test
  void allIdsAreCollected() throws Exception {
    tellsIds(0);
    assertEquals(List.of(), module.collect());
    tellsIds(0, ID, OTHER);
    tellsIds(1, ID, OTHER);
    assertEquals(List.of(ID, OTHER), module.collect());
  }

  @Test
  void aListThatGrowsMeanwhileIsAskedForAgain() throws Exception {
    UUID[] grown = Collections.nCopies(2 + LoadedModule.LIST_SLACK, OTHER).toArray(UUID[]::new);
    tellsIds(0, ID);
    tellsIds(1, grown);
    tellsIds(1, grown);
    assertArrayEquals(grown, module.collect().toArray());
    tellsIds(0, ID, OTHER);
    tellsIds(1);
    assertEquals(List.of(), module.collect(), "all went meanwhile");
  }

  @Test
  void aListThatGrowsForEverOrIsTooLongEnds() {
    kernel.on(
        Seed.COLLECT_CALL,
        LoadedModule.LIST_ROUNDS + 1,
        argument -> {
          long room = Seed.COLLECT_COUNT.get(argument);
          Seed.COLLECT_COUNT.put(argument, room + 1);
          return Seed.COLLECT_IDS.get(argument) == 0 ? 0 : -Errno.ENODATA.code();
        });
    refused(Errno.EAGAIN, () -> module.collect());
    kernel.on(
        Seed.COLLECT_CALL,
        argument -> {
          Seed.COLLECT_COUNT.put(argument, 0xffff_ffffL);
          return 0;
        });
    refused(Errno.EOVERFLOW, () -> module.collect());
    answers(Seed.COLLECT_CALL, Errno.ENOMEM);
    refused(Errno.ENOMEM, () -> module.collect());
  }

  @Test
  void whatTheSeedIsNotToldAtTheCreationIsRefused() {
    String said =
        refused(
                Errno.EOPNOTSUPP,
                () -> module.create(new SnapshotSeed(List.of(disk), Optional.empty(), 0)))
            .getMessage();
    assertTrue(said.contains("devices are added one by one"), said);
    refused(
        Errno.EOPNOTSUPP,
        () -> module.create(new SnapshotSeed(List.of(), Optional.of(root), 4096)));
    assertEquals(List.of(), kernel.asked);
  }

  @Test
  void onceClosedEverythingIsRefused() throws Exception {
    var wait = module.events(ID);
    module.close();
    module.close();
    refused(Errno.EBADF, () -> module.version());
    refused(Errno.EBADF, () -> module.take(ID));
    refused(Errno.EBADF, () -> module.attach(disk));
    refused(Errno.EBADF, () -> module.tracker(disk));
    refused(Errno.EBADF, () -> module.parameters());
    refused(Errno.EBADF, () -> module.events(ID).next(java.time.Duration.ZERO));
    assertEquals(Optional.empty(), wait.next(java.time.Duration.ofSeconds(60)));
  }
}
