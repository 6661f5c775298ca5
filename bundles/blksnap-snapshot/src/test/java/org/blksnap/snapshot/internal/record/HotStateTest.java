// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.enginebase.record.StateDirectory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HotStateTest {
  @TempDir Path directory;
  private Path state;
  private Path base;

  @BeforeEach
  void makeState() throws IOException {
    state = Files.createDirectory(directory.resolve("state"));
    base = directory.resolve("memory");
  }

  private HotState open() throws IOException {
    return open(state);
  }

  private HotState open(Path of) throws IOException {
    if (identity(of) == null) {
      Files.writeString(of.resolve("id"), UUID.randomUUID().toString());
    }
    return HotState.open(of, identity(of), base.toString(), "b1", HotStateTest::identity);
  }

  private static UUID identity(Path of) throws IOException {
    Path id = of.resolve("id");
    return Files.exists(id) ? UUID.fromString(Files.readString(id)) : null;
  }

  private Path device(String name) throws IOException {
    return Files.createDirectories(state.resolve("devices").resolve(name));
  }

  @Test
  void theDirectoryInMemoryIsPrivate() throws IOException {
    open();
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(base)));
  }

  @Test
  void somebodyElsesDirectoryIsNotUsed() throws IOException {
    Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
    Files.createSymbolicLink(base, elsewhere);
    assertThrows(BlksnapException.class, () -> HotBase.find(base.toString()));
    HotState hot = open();
    assertEquals(device("d"), hot.enterDevice(device("d"), false, 0).directory());
    assertTrue(hot.finding().orElseThrow().observation().contains("no directory"));
  }

  @Test
  void aDirectoryOthersMayEnterIsNotUsed() throws IOException {
    Files.createDirectory(base);
    Files.setPosixFilePermissions(base, PosixFilePermissions.fromString("rwxr-x---"));
    assertThrows(BlksnapException.class, () -> HotBase.find(base.toString()));
  }

  @Test
  void whatLeavesTooLittleToOthersStaysOnDiskAndTheDoctorSaysSo() throws IOException {
    HotState hot = open();
    HotFiles.Entry entry = hot.enterDevice(device("d"), false, Long.MAX_VALUE / 2);
    assertEquals(device("d"), entry.directory());
    assertTrue(hot.finding().orElseThrow().observation().contains("a quarter"));
  }

  @Test
  void aDurableDeviceStaysOnDisk() throws IOException {
    assertEquals(device("d"), open().enterDevice(device("d"), true, 0).directory());
  }

  @Test
  void aCleanStopLeavesNothingInMemory() throws IOException {
    HotState hot = open();
    hot.enterDevice(device("d"), false, 0);
    hot.settleDevice(device("d"));
    hot.close();
    assertFalse(Files.exists(hot.root()));
  }

  @Test
  void whatNoPointerLeadsToIsRemovedAtTheNextStart() throws IOException {
    HotState hot = open();
    Path kept = hot.enterDevice(device("kept"), false, 0).directory();
    Path orphan = Files.createDirectories(hot.root().resolve("snapshots/orphan"));
    open();
    assertTrue(Files.exists(kept));
    assertFalse(Files.exists(orphan));
  }

  @Test
  void whatBelongsToAStateDirectoryThatWasReplacedIsRemovedAndNoOther() throws IOException {
    Path dead = open().root();
    Path away = Files.move(state, directory.resolve("away"));
    Files.createDirectory(state);
    HotState now = open();
    assertFalse(Files.exists(dead));
    StateDirectory.removeTree(state);
    StateDirectory.removeTree(away);
    Path other = Files.createDirectory(directory.resolve("other"));
    open(other);
    assertTrue(Files.exists(now.root()), "its state directory may be mounted again");
  }
}
