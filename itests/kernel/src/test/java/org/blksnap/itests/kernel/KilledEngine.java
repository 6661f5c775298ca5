// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.junit.jupiter.api.Test;

/**
 * One process is killed while it holds a snapshot, others come after it. The methods are run one
 * after another, each in a process of its own; {@code blksnap.disk} is the block device.
 */
final class KilledEngine {
  private static final int SIGNAL_9 = 137;
  private static final int LENGTH = 1 << 20;

  private final Path disk = Path.of(System.getProperty("blksnap.disk"));
  private final Path home = Path.of(System.getProperty("blksnap.place")).resolve("killed");
  private final Path notes = home.resolve("notes");

  private static byte[] read(SnapshotImage image) throws IOException {
    byte[] bytes = new byte[LENGTH];
    image.read(ByteBuffer.wrap(bytes), 0);
    return bytes;
  }

  /** Never returns. */
  @Test
  void takesASnapshotAndIsKilled() throws IOException {
    Guest guest = new Guest(home);
    guest.engine().attach(AttachRequest.of(disk).named("disk"));
    Snapshot snapshot =
        guest
            .engine()
            .snapshot(
                guest
                    .engine()
                    .take(SnapshotRequest.of("disk").labelled("killed").ownedBy("org.who"))
                    .keep());
    SnapshotImage image = snapshot.image("disk");
    Files.writeString(
        notes,
        snapshot.id()
            + " "
            + image.changes().info().point()
            + " "
            + HexFormat.of().formatHex(read(image)));
    Runtime.getRuntime().halt(SIGNAL_9);
  }

  @Test
  void whatWasLeftIsTakenOverAndGivenBack() throws IOException {
    String[] left = Files.readString(notes).split(" ");
    UUID id = UUID.fromString(left[0]);
    ChangePoint point = ChangePoint.parse(left[1]);
    try (Guest guest = new Guest(home)) {
      assertEquals(
          List.of("disk"), guest.engine().devices().stream().map(AttachedDevice::name).toList());
      Snapshot snapshot = guest.engine().snapshot(id);
      assertEquals("killed", snapshot.label());
      assertEquals("org.who", snapshot.owner());
      Guest.write(disk, 0, new byte[LENGTH]);
      SnapshotImage image = snapshot.image("disk");
      assertArrayEquals(HexFormat.of().parseHex(left[2]), read(image));
      assertEquals(point, image.changes().info().point());
      assertFalse(image.changes().changedSince(point).full());
      Path diff = home.resolve("state/kernel/diff");
      try (var files = Files.list(diff)) {
        assertTrue(files.count() > 0, "nothing was lent");
      }
      snapshot.destroy();
      try (var files = Files.list(diff)) {
        assertEquals(List.of(), files.toList());
      }
      guest.engine().detach("disk");
    }
  }

  @Test
  void whatAnotherLifeOfTheModuleHeldIsClearedAwayAndTheReasonIsTold() throws IOException {
    String[] left = Files.readString(notes).split(" ");
    try (Guest guest = new Guest(home)) {
      assertEquals(List.of(), guest.engine().collect());
      assertEquals(
          Errno.ESRCH,
          assertThrows(
                  BlksnapException.class, () -> guest.engine().snapshot(UUID.fromString(left[0])))
              .errno());
      try (var files = Files.list(home.resolve("state/kernel/diff"))) {
        assertEquals(List.of(), files.toList());
      }
      AttachedDevice device = guest.engine().device("disk").orElseThrow();
      assertEquals(GenerationReason.UNPROVEN, device.changes().info().reason());
      assertTrue(device.changes().info().reasonDetail().contains("loaded anew"));
      assertTrue(device.changes().changedSince(ChangePoint.parse(left[1])).full());
    }
  }
}
