// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.blksnap.contract.LoopDevice;
import org.blksnap.linux.proc.DeviceNumber;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileIdentityTest {
  @TempDir Path directory;

  private Path file(String name, int bytes) throws Exception {
    return Files.write(directory.resolve(name), new byte[bytes]);
  }

  @Test
  void aFileIsTheSameByWhateverName() throws Exception {
    Path file = file("one", 1);
    Path hard = Files.createLink(directory.resolve("hard"), file);
    Path soft = Files.createSymbolicLink(directory.resolve("soft"), file);
    assertEquals(FileIdentity.of(file), FileIdentity.of(hard));
    assertEquals(FileIdentity.of(file), FileIdentity.of(soft));
    assertNotEquals(FileIdentity.of(file), FileIdentity.of(file("two", 1)));
  }

  @Test
  void aFileHasTheKeyDevicesAreKnownBy() throws Exception {
    Path file = file("one", 1);
    assertEquals(
        "file:" + Files.getAttribute(file, "unix:dev") + ":" + Files.getAttribute(file, "unix:ino"),
        FileIdentity.of(file).fileKey());
    assertEquals(FileIdentity.Kind.REGULAR, FileIdentity.of(file).kind());
    assertEquals(Optional.empty(), FileIdentity.of(file).below());
  }

  @Test
  void aDirectoryAndACharacterDeviceAreOfAnotherKind() throws Exception {
    assertEquals(FileIdentity.Kind.OTHER, FileIdentity.of(directory).kind());
    assertEquals(FileIdentity.Kind.OTHER, FileIdentity.of(Path.of("/dev/null")).kind());
  }

  @Test
  void whatIsNotThereHasNone() {
    Path missing = directory.resolve("missing");
    assertEquals(Optional.empty(), FileIdentity.find(missing));
    assertThrows(NoSuchFileException.class, () -> FileIdentity.of(missing));
  }

  @Test
  void aLoopDeviceIsKnownByItsNumberAndByTheFileBelow() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "SKIPPED: loop devices need root");
    Path file = file("backing", 1 << 20);
    try (LoopDevice loop = new LoopDevice(file)) {
      FileIdentity identity = FileIdentity.of(loop.device);
      assertTrue(identity.block());
      assertFalse(FileIdentity.of(file).block());
      String name = loop.device.getFileName().toString();
      String number = Files.readString(Path.of("/sys/block", name, "dev")).strip();
      assertEquals(DeviceNumber.parse(number), Optional.of(identity.number()));
      assertEquals(Optional.of(FileIdentity.of(file)), identity.below());
    }
  }
}
