// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.module.TrackerState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written is read again, and what is damaged is not taken for it. */
class RecordsTest {
  private static final KnownMap MAP =
      new KnownMap(
          new TrackerState(4 << 20, 65536, 64, UUID.randomUUID(), 3),
          GenerationReason.RESIZE,
          "from 1 to 2",
          Instant.parse("2026-01-02T03:04:05.678901234Z"));

  @TempDir Path directory;

  @Test
  void aDeviceIsReadAsItWasWritten() throws IOException {
    for (Optional<KnownMap> map : List.of(Optional.of(MAP), Optional.<KnownMap>empty())) {
      DeviceRecord record =
          new DeviceRecord(Path.of("/dev/x y"), "x", 8, 1, true, false, "life", "boot", "17", map);
      record.write(directory);
      assertEquals(record, DeviceRecord.read(directory));
      assertEquals(record.map(), DeviceRecord.read(directory).detached().map());
    }
  }

  @Test
  void aSnapshotIsReadAsItWasWritten() throws IOException {
    SnapshotRecord created =
        new SnapshotRecord(
            UUID.randomUUID(),
            "life",
            SnapshotRecord.Phase.CREATED,
            "org.who",
            "a = b",
            Instant.now(),
            null,
            null,
            List.of(),
            List.of());
    created.write(directory);
    assertEquals(created, SnapshotRecord.read(directory));
    SnapshotRecord taken =
        created.takenAt(
            Instant.now(),
            Consistency.CRASH,
            List.of("one", "two"),
            List.of(
                new SnapshotRecord.Member(
                    "disk",
                    Path.of("/dev/sda"),
                    8,
                    0,
                    "blksnap-image_8:0",
                    Errno.ENOSPC,
                    "over",
                    Optional.of(MAP)),
                new SnapshotRecord.Member(
                    "other", Path.of("/dev/sdb"), 8, 16, "", Errno.OK, "", Optional.empty())));
    taken.write(directory);
    assertEquals(taken, SnapshotRecord.read(directory));
  }

  @Test
  void aStorageIsReadAsItWasWritten() throws IOException {
    assertEquals(StorageRecord.NONE, StorageRecord.read(directory));
    StorageRecord record =
        new StorageRecord(
                List.of(
                    new StoragePart(
                        Path.of("/place/file"),
                        "8:1",
                        List.of(new ByteRange(0, 512), new ByteRange(4096, 1L << 40)),
                        true,
                        true),
                    new StoragePart(Path.of("/dev/sdb"), "8:16", List.of(), false, false)),
                List.of(),
                1 << 30,
                4096,
                false)
            .and(new StorageRecord.Place(Path.of("/place"), 1L << 33));
    record.write(directory);
    assertEquals(record, StorageRecord.read(directory));
    record.leaving().write(directory);
    assertEquals(record.leaving(), StorageRecord.read(directory));
    record.write(directory);
    assertEquals(record, StorageRecord.read(directory));
    assertEquals(512 + (1L << 40), record.grownIn(Path.of("/place")));
    assertEquals(512 + (1L << 40), record.capacity());
  }

  @Test
  void aDamagedRecordIsRefused() throws IOException {
    new DeviceRecord(Path.of("/dev/sda"), "sda", 8, 0, true, true, "l", "b", "", Optional.of(MAP))
        .write(directory);
    Path file = directory.resolve("device.record");
    Files.writeString(file, "name=other\n", StandardOpenOption.APPEND);
    assertThrows(IOException.class, () -> DeviceRecord.read(directory));
  }
}
