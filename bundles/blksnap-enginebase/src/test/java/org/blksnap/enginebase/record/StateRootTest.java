// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateRootTest {
  @TempDir Path directory;
  private Path memory;
  private Path place;

  @BeforeEach
  void names() {
    memory = directory.resolve("memory");
    place = directory.resolve("state");
  }

  private StateRoot configured(Path root) {
    return new StateRoot(root, false, memory);
  }

  private static void refused(Errno errno, String word, StateRoot root) {
    BlksnapException refusal = assertThrows(BlksnapException.class, root::check);
    assertEquals(errno, refusal.errno());
    assertTrue(refusal.getMessage().contains(word), refusal.getMessage());
  }

  @Test
  void aConfiguredPlaceThatIsNotThereIsNeverMade() {
    refused(Errno.ENOENT, "mkdir -m 700 " + place, configured(place));
    assertFalse(Files.exists(place));
  }

  @Test
  void theDefaultPlaceIsMadeAndKeepsItsIdentity() throws Exception {
    UUID id = new StateRoot(place, true, memory).check();
    assertEquals(id, new StateRoot(place, true, memory).check());
  }

  @Test
  void anEmptyMountPointIsRefusedAndMountedAgainIsGood() throws Exception {
    Files.createDirectory(place);
    UUID id = configured(place).check();
    Path mounted = Files.move(place, directory.resolve("mounted"));
    Files.createDirectory(place);
    refused(Errno.ESTALE, "mount its file system", configured(place));
    assertFalse(Files.exists(place.resolve(StateRoot.ID_FILE)));
    Files.delete(place);
    Files.move(mounted, place);
    assertEquals(id, configured(place).check());
  }

  @Test
  void anotherDirectoryInItsPlaceIsRefusedUntilTheMemoryIsRemoved() throws Exception {
    Files.createDirectory(place);
    UUID id = configured(place).check();
    Files.move(place, directory.resolve("away"));
    Files.createDirectory(place);
    UUID other = new StateRoot(place, false, null).check();
    assertNotEquals(id, other);
    refused(Errno.ESTALE, "remove " + memory, configured(place));
    Files.delete(memory);
    assertEquals(other, configured(place).check());
  }

  @Test
  void anotherPlaceMayBeConfiguredAndTheOldOneAgain() throws Exception {
    Files.createDirectory(place);
    UUID id = configured(place).check();
    Path second = Files.createDirectory(directory.resolve("second"));
    assertNotEquals(id, configured(second).check());
    assertEquals(id, configured(place).check());
  }

  @Test
  void aDirectoryOfAnOlderVersionGetsAnIdentity() throws Exception {
    Files.createDirectories(place.resolve("devices/disk"));
    UUID id = configured(place).check();
    assertEquals(id, StateRoot.idOf(place));
  }
}
