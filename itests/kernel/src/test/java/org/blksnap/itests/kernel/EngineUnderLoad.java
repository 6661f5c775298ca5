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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.kernel.internal.record.StoragePart;
import org.blksnap.kernel.internal.record.StorageRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A disk with a mounted ext4 that others write to all the time, at the property {@code
 * blksnap.live}. Its difference storage grows in a directory of that very file system.
 */
@Timeout(150)
final class EngineUnderLoad {
  private static final int PIECE = 1 << 20;
  private static final long LIMIT = 64 << 20;

  private final Path live = Path.of(System.getProperty("blksnap.live"));
  private final List<ByteRange> lentRanges = new ArrayList<>();
  private Path place;
  private Guest guest;

  @BeforeEach
  void begin() throws IOException {
    guest = new Guest();
    place = Files.createDirectories(live.resolve("place"));
  }

  @AfterEach
  void end() throws IOException {
    guest.close();
    assertEquals(List.of(), lent());
    Files.delete(place);
  }

  private List<Path> lent() throws IOException {
    try (var files = Files.list(place)) {
      return files.toList();
    }
  }

  private static byte[] all(SnapshotImage image) throws IOException {
    byte[] bytes = new byte[(int) image.capacity()];
    for (int at = 0; at < bytes.length; at += PIECE) {
      ByteBuffer piece = ByteBuffer.wrap(bytes, at, Math.min(PIECE, bytes.length - at));
      image.read(piece, at);
    }
    return bytes;
  }

  /**
   * What was lent to a snapshot's storage, which is on the same disk: the kernel writes there, and
   * neither saves nor tracks it, so there an image is not what it was. Nobody's data is there.
   */
  private void noteLent(UUID snapshot) throws IOException {
    Path records = guest.directory.resolve("state/kernel/snapshots").resolve(snapshot.toString());
    for (StoragePart part : StorageRecord.read(records).parts()) {
      lentRanges.addAll(part.ranges());
    }
  }

  private byte[] withoutLent(byte[] image) {
    for (ByteRange range : lentRanges) {
      Arrays.fill(image, (int) range.offset(), (int) range.end(), (byte) 0);
    }
    return image;
  }

  private static void layOver(byte[] copy, SnapshotImage image, ChangeSet changes)
      throws IOException {
    long at = 0;
    List<ByteRange> some;
    while (!(some = changes.extents(at, 100)).isEmpty()) {
      for (ByteRange range : some) {
        image.read(
            ByteBuffer.wrap(copy, (int) range.offset(), (int) range.length()), range.offset());
        at = range.end();
      }
    }
  }

  /** What a loss of power would leave, or better: the file system in the image is sound. */
  private static void assertSound(byte[] image, Path file) throws IOException {
    Files.write(file, image);
    Guest.run("sh", "-c", "e2fsck -y -E journal_only " + file + "; [ $? -le 1 ]");
    Guest.run("e2fsck", "-fn", file.toString());
    Files.delete(file);
  }

  @Test
  void imagesAndIncrementsOfABusyFileSystemAreRight() throws IOException {
    AttachedDevice device = guest.engine().attach(AttachRequest.of(live).named("live"));
    assertFalse(device.path().equals(live), device.path().toString());
    assertEquals(
        Errno.EROFS,
        assertThrows(BlksnapException.class, () -> device.write(ByteBuffer.allocate(512), 0))
            .errno());
    SnapshotRequest request =
        SnapshotRequest.of("live").on(StorageGrant.directory(place, LIMIT)).labelled("busy");

    UUID first = guest.engine().take(request).keep();
    Snapshot snapshot = guest.engine().snapshot(first);
    SnapshotImage image = snapshot.image("live");
    byte[] copy = all(image);
    ChangePoint point = image.changes().info().point();
    assertTrue(lent().size() >= 1, "nothing was lent");
    Path lent = lent().get(0);
    assertThrows(IOException.class, () -> Files.delete(lent));
    guest.leave();
    snapshot = guest.engine().snapshot(first);
    assertEquals("busy", snapshot.label());
    byte[] again = all(snapshot.image("live"));
    noteLent(first);
    assertTrue(lentRanges.size() > 0);
    assertArrayEquals(withoutLent(copy), withoutLent(again), "the image moved over a restart");
    assertEquals(Errno.OK, snapshot.info().get(0).error(), snapshot.info().toString());
    assertEquals(point, snapshot.image("live").changes().info().point());
    System.out.println("storage: " + snapshot.storage());
    snapshot.destroy();
    assertEquals(List.of(), lent());
    assertSound(copy, guest.directory.resolve("copy"));

    UUID second = guest.engine().take(request).keep();
    snapshot = guest.engine().snapshot(second);
    ChangeSet changes = snapshot.image("live").changes().changedSince(point);
    assertFalse(changes.full(), changes.fullReason());
    System.out.println("changed: " + changes.bytes() + " of " + changes.capacity());
    assertTrue(changes.bytes() < changes.capacity());
    layOver(copy, snapshot.image("live"), changes);
    byte[] whole = all(snapshot.image("live"));
    noteLent(second);
    assertArrayEquals(withoutLent(whole), withoutLent(copy), "the increment lacks something");
    assertEquals(Errno.OK, snapshot.info().get(0).error(), snapshot.info().toString());
    snapshot.destroy();
  }

  @Test
  void whatCannotBeStorageIsRefusedWithASentence() throws IOException {
    guest.engine().attach(AttachRequest.of(live).named("live"));
    Snapshot snapshot = guest.engine().create(SnapshotRequest.of("live"));
    Path memory = Files.createTempDirectory(Path.of("/dev/shm"), "place");
    try {
      BlksnapException refused =
          assertThrows(
              BlksnapException.class, () -> snapshot.appendStorageDirectory(memory, LIMIT));
      assertEquals(Errno.EOPNOTSUPP, refused.errno());
      assertTrue(refused.getMessage().contains("tmpfs"), refused.getMessage());
    } finally {
      Files.delete(memory);
    }
  }
}
