// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernel's tables, from a copy of /proc and from this process's own. */
class TablesTest {
  @TempDir Path proc;
  private MountTable table;

  @BeforeEach
  void make() throws Exception {
    Files.createDirectories(proc.resolve("self"));
    table = new MountTable(proc);
  }

  @Test
  void aMountIsReadWithItsEscapes() throws Exception {
    Files.writeString(
        proc.resolve("self/mountinfo"),
        "36 35 252:0 / /mnt/a\\040b rw,noatime master:1 - ext4 /dev/mapper/x rw,errors=continue\n"
            + "no mount at all\n");
    MountTable.Mount mount = table.mounts().get(0);
    assertEquals(1, table.mounts().size());
    assertEquals(new DeviceNumber(252, 0), mount.number());
    assertEquals(Path.of("/mnt/a b"), mount.point());
    assertEquals("ext4", mount.type());
    assertEquals("/dev/mapper/x", mount.source());
    assertEquals("rw,errors=continue", mount.options());
  }

  @Test
  void swapsAreReadWithoutTheirHeading() throws Exception {
    Files.writeString(
        proc.resolve("swaps"), "Filename\tType\tSize\n/dev/sda2 partition 1\n/a\\040b file 2\n");
    assertEquals(List.of(Path.of("/dev/sda2"), Path.of("/a b")), table.swaps());
  }

  @Test
  void withoutTablesThereIsNothing() {
    assertEquals(List.of(), table.mounts());
    assertEquals(List.of(), table.swaps());
  }

  @Test
  void aDeviceNumberIsDecodedReadAndShown() {
    assertEquals(new DeviceNumber(259, 300), DeviceNumber.of(0x11032cL));
    assertEquals(Optional.of(new DeviceNumber(8, 1)), DeviceNumber.parse("8:1"));
    assertEquals(Optional.empty(), DeviceNumber.parse("8-1"));
    assertEquals(Optional.empty(), DeviceNumber.parse("a:b"));
    assertEquals("8:1", new DeviceNumber(8, 1).toString());
  }

  @Test
  void thisBootHasOneIdAndAnUnknownOneNone() {
    assertEquals(BootId.current(), BootId.current());
    assertNotEquals(BootId.of(proc), BootId.of(proc));
  }

  @Test
  void thisProcessLivesUnderItsStampAlone() {
    assertTrue(ProcessStamp.lives(ProcessStamp.own()));
    assertFalse(ProcessStamp.lives(ProcessStamp.own() + "0"));
    assertFalse(ProcessStamp.lives(""));
    assertEquals("", ProcessStamp.of(Integer.MAX_VALUE));
  }

  /** A channel would be closed by the interrupt. */
  @Test
  void anInterruptedThreadReadsToo() {
    Thread.currentThread().interrupt();
    assertTrue(ProcessStamp.lives(ProcessStamp.own()));
    assertTrue(MemoryTable.now().total().isPresent());
    assertTrue(Thread.interrupted());
  }

  @Test
  void memoryIsToldInBytes() {
    MemoryTable memory = new MemoryTable("MemTotal:  9 kB\nMemAvailable:  2 kB\n");
    assertEquals(OptionalLong.of(9 << 10), memory.total());
    assertEquals(OptionalLong.of(2 << 10), memory.available());
    assertEquals(OptionalLong.empty(), new MemoryTable("MemTotal: ? kB\n").total());
  }
}
