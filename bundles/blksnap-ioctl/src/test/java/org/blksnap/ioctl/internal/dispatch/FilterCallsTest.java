// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import static org.blksnap.ioctl.internal.dispatch.Program.ABSENT;
import static org.blksnap.ioctl.internal.dispatch.Program.ARRAY;
import static org.blksnap.ioctl.internal.dispatch.Program.DISK;
import static org.blksnap.ioctl.internal.dispatch.Program.OTHER;
import static org.blksnap.ioctl.internal.dispatch.Program.STRUCT;
import static org.blksnap.ioctl.internal.dispatch.Program.address;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FilterCallsTest {
  private final Program program = new Program();

  private static Target fileAt(Path path) throws IOException {
    return Target.file(
        ((Number) Files.getAttribute(path, "unix:dev")).longValue(),
        ((Number) Files.getAttribute(path, "unix:ino")).longValue(),
        path.toString());
  }

  private int named(Target target, long word, String name) throws IOException {
    Seed.NAME_NAME.put(program.at(STRUCT), name);
    return program.call(target, word, address(STRUCT));
  }

  @Test
  void cbtinfoFillsItsStructAndNoMore() throws IOException {
    program.disk.number = 254;
    program.at(ARRAY).putLong(40, -1);
    assertEquals(0, program.ctl(DISK, Seed.CTL_CBTINFO, 200));
    ByteBuffer info = program.at(ARRAY);
    assertEquals(10 * ModelEngine.BLOCK, Seed.CBTINFO_CAPACITY.get(info));
    assertEquals(ModelEngine.BLOCK, Seed.CBTINFO_BLOCK_SIZE.get(info));
    assertEquals(10, Seed.CBTINFO_BLOCK_COUNT.get(info));
    assertEquals(program.disk.generation, Seed.CBTINFO_GENERATION.uuid(info));
    assertEquals(254, Seed.CBTINFO_NUMBER.get(info));
    assertEquals(-1, info.getLong(40));
    assertEquals(40, program.writtenLength());
  }

  @Test
  void whatIsWrongIsLookedForInOneOrder() throws IOException {
    int noEntry = Errno.ENOENT.code();
    assertEquals(Errno.EFAULT.code(), program.call(DISK, Seed.CTL_CALL, 0));
    assertEquals(noEntry, program.ctl(DISK, "other", 999, 0, 0));
    assertEquals(noEntry, program.ctl(ABSENT, Seed.FILTER_NAME, 999, 0, 0));
    for (long command : new long[] {5, 6, 255, 256, 0x7fffffff, 0xffffffffL}) {
      assertEquals(Errno.ENOTTY.code(), program.ctl(DISK, Seed.FILTER_NAME, command, 0, 0));
    }
    long[] sizes = {40, 16, 16, 16, 36};
    for (int command = 0; command < sizes.length; command++) {
      long size = sizes[command];
      assertEquals(Errno.EINVAL.code(), program.ctl(DISK, "blksnap", command, size - 1, 0));
      assertEquals(Errno.EFAULT.code(), program.ctl(DISK, "blksnap", command, size, 0));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "blksnap2", "blksna", "Blksnap", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})
  void anotherFiltersNameIsNotOurs(String name) throws IOException {
    int noEntry = Errno.ENOENT.code();
    assertEquals(noEntry, named(ABSENT, Seed.ATTACH_CALL, name));
    assertEquals(noEntry, named(DISK, Seed.DETACH_CALL, name));
    assertEquals(noEntry, program.ctl(DISK, name, Seed.CTL_CBTINFO, 40, address(ARRAY)));
    assertTrue(program.engine.devices.containsKey(program.disk.name));
  }

  @Test
  void otherCallsOfADeviceAreNoneOfOurs() throws IOException {
    for (long word : new long[] {0x1260, 0xc020128bL, 0xc020128fL, 0xc020568cL, 0x40085600L}) {
      assertEquals(Errno.ENOTTY.code(), program.call(DISK, word, address(STRUCT)));
    }
    assertEquals(Errno.EFAULT.code(), program.call(DISK, 0x128e, 0), "by number and magic alone");
  }

  @Test
  void theMapIsReadUpToItsEnd() throws IOException {
    program.disk.map[0] = 3;
    program.disk.map[9] = 5;
    int inval = Errno.EINVAL.code();
    assertEquals(0, map(0, 64, ARRAY + 64));
    assertArrayEquals(program.disk.map, bytes(ARRAY + 64, 10));
    assertEquals(0, program.at(ARRAY + 74).get(0));
    assertEquals(0, program.writtenLength());
    assertEquals(0, map(10, 64, ARRAY + 64), "at the end");
    assertEquals(inval, map(11, 1, ARRAY + 64));
    assertEquals(inval, map(0xffffffffL, 0xffffffffL, ARRAY + 64));
    assertEquals(inval, map(11, 0, ARRAY + 64), "past the end, though nothing is wanted");
    assertEquals(0, map(0, 0, -1));
    assertEquals(Errno.EFAULT.code(), map(0, 1, -1), "a null buffer");
    assertEquals(Errno.EFAULT.code(), map(0, 64, (1 << 16) - 4));
    assertEquals(0, map(6, 0xffffffffL, (1 << 16) - 4), "as much as there is");
  }

  private int map(long offset, long length, int buffer) throws IOException {
    ByteBuffer option = program.at(ARRAY);
    Seed.CBTMAP_OFFSET.put(option, offset);
    Seed.CBTMAP_LENGTH.put(option, length);
    Seed.CBTMAP_BUFFER.put(option, buffer < 0 ? 0 : address(buffer));
    return program.ctl(DISK, Seed.CTL_CBTMAP, Seed.CBTMAP.size());
  }

  @Test
  void everyRangeIsMarkedAndNotTheFirstAgain() throws IOException {
    program.ranges(0x3000, 0, 1, 128 * 3, 129);
    assertEquals(0, dirty(2, address(0x3000)));
    assertArrayEquals(new byte[] {1, 0, 0, 1, 1, 0, 0, 0, 0, 0}, program.disk.map);
    assertEquals(0, program.writtenLength());
  }

  @Test
  void noRangeIsMarkedWhereOneIsWrong() throws IOException {
    int end = (1 << 16) - 16;
    program.ranges(end, 0, 1);
    program.ranges(0x3000, 0, 1, 1279, 2);
    assertEquals(Errno.EINVAL.code(), dirty(2, address(0x3000)));
    assertEquals(Errno.EFAULT.code(), dirty(2, address(end)));
    assertEquals(Errno.EFAULT.code(), dirty(1, 0));
    assertEquals(Errno.EINVAL.code(), dirty(0xffffffffL, address(0x3000)));
    assertEquals(Errno.EINVAL.code(), dirty((1 << 20) + 1, address(0x3000)));
    program.ranges(0x3000, 0, 1, 8, 0);
    assertEquals(Errno.EINVAL.code(), dirty(2, address(0x3000)), "an empty range");
    program.ranges(0x3000, 0, 1, -8, 16);
    assertEquals(Errno.EINVAL.code(), dirty(2, address(0x3000)), "one that overflows");
    assertEquals(0, dirty(0, 0), "none at all");
    assertArrayEquals(new byte[10], program.disk.map);
  }

  private int dirty(long count, long ranges) throws IOException {
    Seed.CBTDIRTY_COUNT.put(program.at(ARRAY), count);
    Seed.CBTDIRTY_SECTORS.put(program.at(ARRAY), ranges);
    return program.ctl(DISK, Seed.CTL_CBTDIRTY, Seed.CBTDIRTY.size());
  }

  @Test
  void nothingIsDoneWhereItsEndCouldNotBeTold() throws IOException {
    UUID id = program.created();
    program.ranges(0x3000, 0, 1);
    program.memory.readOnly(STRUCT + Seed.CTL_OPTLEN.offset());
    assertEquals(Errno.EFAULT.code(), dirty(1, address(0x3000)));
    assertEquals(Errno.EFAULT.code(), program.add(DISK, id));
    assertArrayEquals(new byte[10], program.disk.map);
    assertTrue(program.engine.snapshots.get(id).members.isEmpty());
  }

  @Test
  void aDeviceIsInOneSnapshotOnce() throws IOException {
    UUID id = program.created();
    UUID second = program.created();
    assertEquals(Errno.ESRCH.code(), program.add(DISK, UUID.randomUUID()));
    assertEquals(0, program.add(DISK, id));
    assertEquals(Errno.EALREADY.code(), program.add(DISK, id));
    assertEquals(Errno.EBUSY.code(), program.add(DISK, second));
    assertEquals(Errno.EBUSY.code(), named(DISK, Seed.DETACH_CALL, "blksnap"));
    assertEquals(0, program.add(OTHER, second));
  }

  @Test
  void snapshotinfoTellsErrorAndImage() throws IOException {
    assertEquals(0, program.ctl(DISK, Seed.CTL_SNAPSHOTINFO, 36));
    assertEquals(0, Seed.SNAPSHOTINFO_ERROR.get(program.at(ARRAY)));
    assertEquals("", Seed.SNAPSHOTINFO_IMAGE.text(program.at(ARRAY)));
    assertEquals(36, program.writtenLength());
    UUID id = program.created();
    assertEquals(0, program.add(DISK, id));
    program.engine.snapshots.get(id).taken = true;
    program.disk.error = Errno.ENOSPC;
    assertEquals(0, program.ctl(DISK, Seed.CTL_SNAPSHOTINFO, 99));
    assertEquals(-28, program.at(ARRAY).getInt(0));
    assertEquals("blksnap-image_8:16", Seed.SNAPSHOTINFO_IMAGE.text(program.at(ARRAY)));
  }

  @Test
  void aFileIsFoundByWhatItIsAndNotByItsName(@TempDir Path directory) throws IOException {
    Path disk = Files.write(directory.resolve("disk"), new byte[4096]);
    Target target = fileAt(disk);
    assertEquals(0, named(target, Seed.ATTACH_CALL, "blksnap"));
    assertEquals(Errno.EALREADY.code(), named(target, Seed.ATTACH_CALL, "blksnap"));
    Path link = Files.createLink(directory.resolve("link"), disk);
    assertEquals(Errno.EALREADY.code(), named(fileAt(link), Seed.ATTACH_CALL, "blksnap"));
    Target lying = Target.file(target.device(), target.inode() + 1, target.path());
    assertEquals(Errno.ENODEV.code(), named(lying, Seed.ATTACH_CALL, "blksnap"));
    assertEquals(Errno.ENOENT.code(), program.ctl(lying, Seed.CTL_CBTINFO, 40));
    assertEquals(0, program.ctl(fileAt(link), Seed.CTL_CBTINFO, 40));
    assertEquals(0, named(fileAt(link), Seed.DETACH_CALL, "blksnap"));
    assertEquals(Errno.ENOENT.code(), named(target, Seed.DETACH_CALL, "blksnap"));
  }

  @Test
  void twoFilesOfOneNameAreTwoDevices(@TempDir Path directory) throws IOException {
    Path one = Files.createDirectories(directory.resolve("one")).resolve("disk");
    Path two = Files.createDirectories(directory.resolve("two")).resolve("disk");
    Target first = fileAt(Files.write(one, new byte[4096]));
    Target second = fileAt(Files.write(two, new byte[4096]));
    assertEquals(0, named(first, Seed.ATTACH_CALL, "blksnap"));
    assertEquals(0, named(second, Seed.ATTACH_CALL, "blksnap"));
    assertEquals(4, program.engine.devices.size());
    assertEquals(0, named(second, Seed.DETACH_CALL, "blksnap"));
    assertEquals(0, program.ctl(first, Seed.CTL_CBTINFO, 40));
  }

  private byte[] bytes(int offset, int length) {
    byte[] bytes = new byte[length];
    program.at(offset).get(0, bytes);
    return bytes;
  }
}
