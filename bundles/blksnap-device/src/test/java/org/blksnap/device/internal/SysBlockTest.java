// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.linux.proc.MountTable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk 8:0 with the partition 8:1 and a mapped device 252:0 on it, as a tree of files. */
class SysBlockTest {
  private static final FileStat DISK = new FileStat(0x6000, 0, 0x800, 1, 0, 0, 0);
  private static final FileStat PARTITION = new FileStat(0x6000, 0, 0x801, 2, 0, 0, 0);
  private static final FileStat MAPPED = new FileStat(0x6000, 0, 0xfc00, 3, 0, 0, 0);

  @TempDir Path root;
  private Surroundings around;

  @BeforeEach
  void makeTree() throws Exception {
    device("8:0", "devices/sda");
    device("8:1", "devices/sda/sda1");
    device("252:0", "devices/dm-0");
    put("devices/sda/size", "2048");
    put("devices/sda/ro", "0");
    put("devices/sda/queue/logical_block_size", "512");
    put("devices/sda/queue/physical_block_size", "4096");
    put("devices/sda/queue/minimum_io_size", "65536");
    put("devices/sda/queue/rotational", "1");
    put("devices/sda/device/wwid", "naa.5000 c500");
    put("devices/sda/sda1/partition", "1");
    put("devices/sda/sda1/size", "1024");
    put("devices/sda/sda1/ro", "1");
    put("devices/sda/sda1/start", "64");
    put("devices/sda/sda1/holders/dm-0/dev", "252:0");
    put("devices/dm-0/dm/uuid", "LVM-abc");
    put("devices/dm-0/slaves/sda1/dev", "8:1");
    put("proc/self/mountinfo", "");
    put("proc/swaps", "Filename Type\n");
    around = Surroundings.of(root, root.resolve("proc"));
  }

  private void device(String number, String at) throws Exception {
    put(at + "/dev", number);
    Path links = Files.createDirectories(root.resolve("dev/block"));
    Files.createSymbolicLink(links.resolve(number), root.resolve(at));
  }

  private void put(String file, String text) throws Exception {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text + "\n");
  }

  @Test
  void diskIsKnownByItsWorldWideName() {
    assertEquals("wwn:naa.5000_c500", around.identities().of(DISK).key());
  }

  @Test
  void partitionWithoutAnIdIsKnownByNumberAndStart() {
    assertEquals("wwn:naa.5000_c500/part:1@64", around.identities().of(PARTITION).key());
  }

  @Test
  void partitionIsKnownByItsOwnId() throws Exception {
    put("devices/sda/sda1/uevent", "MAJOR=8\nPARTUUID=1234-01");
    assertEquals("wwn:naa.5000_c500/part:1234-01", around.identities().of(PARTITION).key());
  }

  @Test
  void mappedDeviceIsKnownByItsUuid() {
    assertEquals("dm:LVM-abc", around.identities().of(MAPPED).key());
    assertEquals(252, around.identities().of(MAPPED).major());
  }

  @Test
  void partitionHasItsOwnSizeAndItsDisksBlocks() {
    assertEquals(
        new Geometry(1024 * 512, 512, 4096, 65536, true, true),
        around.geometries().of(Path.of("/dev/sda1"), PARTITION));
  }

  @Test
  void familyOfADiskHasItsPartitions() {
    assertEquals(
        Set.of(new DeviceNumber(8, 0), new DeviceNumber(8, 1)), around.topology().familyOf(DISK));
  }

  @Test
  void diskWhosePartitionIsMappedIsRefusedNamingTheHolder() {
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () -> around.occupancy().refuseIfUsed(Path.of("/dev/sda"), DISK));
    assertEquals(Errno.EBUSY, refused.errno());
    assertTrue(refused.getMessage().contains("part of dm-0"), refused.getMessage());
  }

  @Test
  void mountOfAMappedDeviceStandsOnTheDisk() throws Exception {
    put("proc/self/mountinfo", "36 35 252:0 / /mnt/a\\040b rw shared:1 - ext4 /dev/mapper/x rw");
    List<MountTable.Mount> mounts = around.topology().allMountsFrom(DISK);
    assertEquals(List.of(Path.of("/mnt/a b")), mounts.stream().map(m -> m.point()).toList());
    assertEquals(1, around.topology().allMountsFrom(PARTITION).size());
  }

  @Test
  void largeDeviceNumbersAreDecoded() {
    assertEquals(new DeviceNumber(259, 300), DeviceNumber.of(0x11032cL));
  }

  @Test
  void everyDeviceOfABtrfsCarriesIt() throws Exception {
    put("devices/sdb/size", "2048");
    device("8:16", "devices/sdb");
    Path members = Files.createDirectories(root.resolve("fs/btrfs/0-1/devices"));
    Files.createSymbolicLink(members.resolve("sda"), root.resolve("devices/sda"));
    Files.createSymbolicLink(members.resolve("sdb"), root.resolve("devices/sdb"));
    assertEquals(
        List.of(new DeviceNumber(8, 0), new DeviceNumber(8, 16)),
        around.sys().btrfsMembers(new DeviceNumber(8, 16)));
    assertEquals(List.of(), around.sys().btrfsMembers(new DeviceNumber(252, 0)));
  }
}
