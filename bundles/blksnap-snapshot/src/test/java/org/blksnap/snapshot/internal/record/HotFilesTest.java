// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.enginebase.record.StateDirectory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HotFilesTest {
  @TempDir Path directory;
  private Path cold;
  private Path hot;

  @BeforeEach
  void makeCold() throws IOException {
    cold = Files.createDirectories(directory.resolve("cold"));
    hot = directory.resolve("memory/hot");
    Files.writeString(cold.resolve("device.record"), "stays");
    Files.writeString(cold.resolve("cbt.map"), "old");
  }

  private HotFiles files(String boot) {
    return new HotFiles(cold, HotFiles.OF_DEVICE, boot);
  }

  private void mark(String marks) throws IOException {
    Files.writeString(hot.resolve("cbt.map"), marks);
  }

  @Test
  void whatWasOnDiskIsInMemoryAndTheCopyOnDiskIsNotInForceAnyMore() throws IOException {
    assertEquals("", files("b1").enter(hot).lost());
    assertEquals("old", Files.readString(hot.resolve("cbt.map")));
    assertFalse(Files.exists(cold.resolve("cbt.map")));
    assertTrue(Files.exists(cold.resolve("device.record")));
    assertFalse(Files.exists(hot.resolve("device.record")));
  }

  @Test
  void aKillKeepsWhatIsInMemory() throws IOException {
    files("b1").enter(hot);
    mark("new");
    assertEquals("", files("b1").enter(hot).lost());
    assertEquals("new", Files.readString(hot.resolve("cbt.map")));
  }

  @Test
  void aCleanStopBringsItToDiskAndLeavesNothingInMemory() throws IOException {
    files("b1").enter(hot);
    mark("new");
    files("b1").settle();
    assertEquals("new", Files.readString(cold.resolve("cbt.map")));
    assertFalse(Files.exists(hot));
    assertEquals("", files("b2").enter(hot).lost());
    assertEquals("new", Files.readString(hot.resolve("cbt.map")));
  }

  @Test
  void aLossOfPowerLosesItAndAnOldCopyIsNeverTrusted() throws IOException {
    files("b1").enter(hot);
    mark("new");
    Files.writeString(cold.resolve("cbt.map"), "a copy whose removal did not reach the disk");
    StateDirectory.removeTree(hot);
    HotFiles.Entry entry = files("b2").enter(hot);
    assertTrue(entry.otherBoot());
    assertTrue(entry.lost().contains("boot b1"), entry.lost());
    assertFalse(Files.exists(hot.resolve("cbt.map")));
  }

  @Test
  void memoryThatWasEmptiedIsALoss() throws IOException {
    files("b1").enter(hot);
    StateDirectory.removeTree(hot);
    HotFiles.Entry entry = files("b1").enter(hot);
    assertFalse(entry.otherBoot());
    assertTrue(entry.lost().contains(hot.toString()), entry.lost());
  }

  @Test
  void aKillBeforeThePointerLeavesTheDiskInForce() throws IOException {
    Files.createDirectories(hot);
    mark("half a copy");
    assertEquals("", files("b1").enter(hot).lost());
    assertEquals("old", Files.readString(hot.resolve("cbt.map")));
  }

  @Test
  void aKillInTheMiddleOfACleanStopLeavesTheMemoryInForce() throws IOException {
    files("b1").enter(hot);
    mark("new");
    Files.writeString(cold.resolve("cbt.map"), "copied, but the pointer still stands");
    assertEquals("", files("b1").enter(hot).lost());
    assertEquals("new", Files.readString(hot.resolve("cbt.map")));
  }

  @Test
  void aDamagedPointerIsALoss() throws IOException {
    files("b1").enter(hot);
    Files.writeString(cold.resolve(HotFiles.POINTER), "?");
    assertFalse(files("b1").enter(hot).lost().isEmpty());
  }

  @Test
  void anotherPlaceInMemoryAndTheDiskTakeItOver() throws IOException {
    files("b1").enter(hot);
    mark("new");
    Path other = directory.resolve("other/hot");
    assertEquals("", files("b1").enter(other).lost());
    assertEquals("new", Files.readString(other.resolve("cbt.map")));
    assertFalse(Files.exists(hot));
    assertEquals("", files("b1").enter(cold).lost());
    assertEquals("new", Files.readString(cold.resolve("cbt.map")));
    assertFalse(Files.exists(other));
    assertFalse(Files.exists(cold.resolve(HotFiles.POINTER)));
  }

  @Test
  void anAreaThatDidNotFitIntoMemoryOutlivesACleanStop() throws IOException {
    HotFiles snapshot = new HotFiles(cold, HotFiles.OF_SNAPSHOT, "b1");
    snapshot.enter(hot);
    Files.createDirectories(cold.resolve("area-big"));
    Files.writeString(cold.resolve("area-big/chunks.map"), "on disk");
    Files.createDirectories(hot.resolve("area-small"));
    Files.writeString(hot.resolve("area-small/chunks.map"), "in memory");
    snapshot.settle();
    assertEquals("on disk", Files.readString(cold.resolve("area-big/chunks.map")));
    assertEquals("in memory", Files.readString(cold.resolve("area-small/chunks.map")));
  }
}
