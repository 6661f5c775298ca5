// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Version;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.module.NodeLook.Kind;
import org.blksnap.spi.module.SnapshotSeed;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** The calls of the seed. */
class SeedModuleTest extends ModuleFixture {
  @BeforeEach
  void loadIt() throws Exception {
    loadSeed();
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
    String said = refused(Errno.ESRCH, () -> module.take(ID));
    assertTrue(said.startsWith("snapshot_take of " + ID + " on "), said);
    assertTrue(said.endsWith("blksnap-control: no such snapshot"), said);
    answers(Seed.DESTROY_CALL, Errno.ENODEV);
    said = refused(Errno.ENODEV, () -> module.destroy(ID));
    assertTrue(said.contains("there is no such snapshot"), said);
    kernel.on(Seed.TAKE_CALL, argument -> -121);
    said = refused(Errno.EIO, () -> module.take(ID));
    assertTrue(said.endsWith("errno 121"), said);
    answers(Seed.CREATE_CALL, Errno.EPERM);
    said = refused(Errno.EPERM, () -> module.create(SnapshotSeed.NONE));
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
      String said = refused(Errno.EINTR, change);
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
    String said = refused(Errno.ENOTBLK, () -> module.attach(tree.devices.resolve("tty")));
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
  void whatTheSeedIsNotToldAtTheCreationIsRefused() {
    String said =
        refused(
            Errno.EOPNOTSUPP,
            () -> module.create(new SnapshotSeed(List.of(disk), Optional.empty(), 0)));
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
