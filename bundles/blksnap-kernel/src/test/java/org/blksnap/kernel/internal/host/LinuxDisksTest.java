// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.linux.proc.MountTable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Block devices as a person names them, in copies of /proc and /sys. */
class LinuxDisksTest {
  @TempDir Path directory;

  private LinuxDisks disks;
  private Path mounted;

  @BeforeEach
  void makeTree() throws IOException {
    directory = directory.toRealPath();
    device("8:0", "sda", null);
    device("8:1", "sda1", "8:0");
    device("8:2", "sda2", "8:0");
    device("8:16", "sdb", null);
    Files.writeString(sys("8:0").resolve("diskseq"), "12\n");
    mounted = Files.createDirectory(directory.resolve("mounted"));
    Files.createDirectories(directory.resolve("proc/self"));
    mounts("30 1 8:1 / " + mounted + " rw - ext4 /dev/sda1 rw\n");
    disks =
        new LinuxDisks(
            new MountTable(directory.resolve("proc")), directory.resolve("sys"), Path.of("/dev"));
  }

  private Path sys(String number) {
    return directory.resolve("sys/dev/block").resolve(number);
  }

  /** As sysfs has it: a partition lies in its disk's directory, and the number is a link there. */
  private void device(String number, String name, String disk) throws IOException {
    Path devices = directory.resolve("sys/devices");
    Path home = disk == null ? devices.resolve(name) : sys(disk).toRealPath().resolve(name);
    Files.createDirectories(home);
    Files.createDirectories(directory.resolve("sys/dev/block"));
    Files.writeString(home.resolve("uevent"), "MAJOR=8\nDEVNAME=" + name + "\n");
    Files.writeString(home.resolve("dev"), number + "\n");
    if (disk != null) {
      Files.writeString(home.resolve("partition"), "1\n");
    }
    Files.createSymbolicLink(sys(number), home);
  }

  private void mounts(String lines) throws IOException {
    Files.writeString(directory.resolve("proc/self/mountinfo"), lines);
  }

  private Errno refusal(Path asked) {
    return assertThrows(BlksnapException.class, () -> disks.find(asked)).errno();
  }

  @Test
  void aNumberIsFoundAlsoWhereSomebodyMadeAPathOfIt() throws IOException {
    Disk wanted = new Disk(Path.of("/dev/sda1"), 8, 1);
    assertEquals(wanted, disks.find(Path.of("8:1")));
    assertEquals(wanted, disks.find(Path.of("/somewhere/8:1")));
    assertEquals(Errno.ENODEV, refusal(Path.of("9:9")));
  }

  @Test
  void aMountPointIsTheDeviceBeneathIt() throws IOException {
    assertEquals(new Disk(Path.of("/dev/sda1"), 8, 1), disks.find(mounted));
    Path link = Files.createSymbolicLink(directory.resolve("link"), mounted);
    assertEquals(new Disk(Path.of("/dev/sda1"), 8, 1), disks.find(link));
    mounts(
        "30 1 8:1 / "
            + mounted
            + " rw - ext4 /dev/sda1 rw\n"
            + "31 30 8:16 / "
            + mounted
            + " rw - xfs /dev/sdb rw\n");
    assertEquals("8:16", disks.find(mounted).number());
  }

  @Test
  void whatIsNoBlockDeviceIsRefused() throws IOException {
    assertEquals(Errno.ENOENT, refusal(directory.resolve("none")));
    assertEquals(Errno.ENODEV, refusal(Files.createFile(directory.resolve("file"))));
    assertEquals(Errno.ENODEV, refusal(Files.createDirectory(directory.resolve("directory"))));
    mounts("30 1 0:30 / " + mounted + " rw - tmpfs tmpfs rw\n");
    assertEquals(Errno.ENODEV, refusal(mounted));
  }

  @Test
  void theGroundOfAPlaceIsTheFileSystemThatHoldsIt() throws IOException {
    Path place = Files.createDirectory(mounted.resolve("place"));
    String own = DeviceNumber.of((long) Files.getAttribute(place, "unix:dev")).toString();
    device(own, "real", null);
    mounts(
        "29 1 8:16 / "
            + directory
            + " rw - ext4 /dev/sdb rw\n"
            + "30 1 "
            + own
            + " / "
            + mounted
            + " rw - xfs /dev/real rw,rtdev=/dev/rt\n");
    Disks.Ground ground = disks.ground(place);
    assertEquals("xfs", ground.type());
    assertEquals(mounted, ground.point());
    assertTrue(ground.options().contains("rtdev="));
    assertEquals(Path.of("/dev/real"), ground.disk().orElseThrow().node());
    mounts("30 1 0:30 / " + mounted + " rw - overlay overlay rw\n");
    assertEquals(Optional.empty(), disks.ground(place).disk());
  }

  @Test
  void partitionsOfOneDiskAreOnIt() throws IOException {
    Disk disk = disks.find(Path.of("8:0"));
    Disk first = disks.find(Path.of("8:1"));
    Disk second = disks.find(Path.of("8:2"));
    assertTrue(disks.onOneDisk(first, second));
    assertTrue(disks.onOneDisk(disk, first));
    assertFalse(disks.onOneDisk(first, disks.find(Path.of("8:16"))));
  }

  @Test
  void theMediumOfAPartitionIsItsDisks() throws IOException {
    assertEquals(Optional.of("12"), disks.medium(disks.find(Path.of("8:0"))));
    assertEquals(Optional.of("12"), disks.medium(disks.find(Path.of("8:1"))));
    assertEquals(Optional.empty(), disks.medium(disks.find(Path.of("8:16"))));
  }

  @Test
  void aDiskOverlapsItsPartitionsAndTheseNotEachOther() {
    assertTrue(disks.overlap("8:1", "8:1"));
    assertTrue(disks.overlap("8:0", "8:1"));
    assertTrue(disks.overlap("8:2", "8:0"));
    assertFalse(disks.overlap("8:1", "8:2"));
    assertFalse(disks.overlap("8:0", "8:16"));
  }

  @Test
  void aDiskIsKnownByItsNumberAndItsSequence() throws IOException {
    Files.createDirectories(directory.resolve("sys/block"));
    Files.createSymbolicLink(directory.resolve("sys/block/sda"), sys("8:0").toRealPath());
    assertEquals(Optional.of("8:0 disk 12"), disks.sightNamed("sda"));
    Files.writeString(sys("8:0").resolve("diskseq"), "13\n");
    assertEquals(Optional.of("8:0 disk 13"), disks.sightNamed("sda"));
    assertEquals(Optional.empty(), disks.sightNamed("sdz"));
    assertEquals(Optional.empty(), disks.sight(Path.of("/dev/null")));
  }

  @Test
  void aNodeThatIsNoneOfTheDeviceIsRefused() {
    for (Path node : List.of(Path.of("/dev/null"), directory, directory.resolve("none"))) {
      assertEquals(
          Errno.ENODEV,
          assertThrows(BlksnapException.class, () -> disks.check(new Disk(node, 8, 0))).errno());
    }
  }
}
