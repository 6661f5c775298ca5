// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.enginebase.record.RecordFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordsTest {
  @TempDir Path directory;

  @Test
  void deviceRecordComesBackAsItWas() throws Exception {
    DeviceRecord record =
        new DeviceRecord(
            AttachRequest.of(Path.of("/a b/c=d")).named("n").readOnly(true).durable(true), 7);
    record.write(directory);
    assertEquals(record, DeviceRecord.read(directory));
  }

  @Test
  void snapshotRecordComesBackAsItWas() throws Exception {
    SnapshotRecord record =
        new SnapshotRecord(
            new Origin(UUID.randomUUID(), Instant.now(), "org.example.backup", "nightly \\ full"),
            SnapshotRecord.Phase.TAKEN,
            Instant.now(),
            "boot",
            true,
            Consistency.FILE_SYSTEM,
            List.of("device a: 1 file system was frozen", "two\nlines"),
            List.of(
                SnapshotRecord.Member.added("plain"),
                new SnapshotRecord.Member(
                    "full",
                    "blksnap-image_0:1",
                    new Geometry(1 << 20, 512, 4096, 512, true, false),
                    new BlockSizeRule(18, 2097152, 26),
                    new UUID(3, 4),
                    Errno.ENOSPC,
                    "over",
                    new CbtInfo(
                        1 << 20,
                        65536,
                        16,
                        new UUID(5, 6),
                        7,
                        GenerationReason.RESIZE,
                        "grown",
                        Instant.now()))));
    record.write(directory);
    assertEquals(record, SnapshotRecord.read(directory));
  }

  @Test
  void aRecordFromBeforeOwnersAndLabelsIsRead() throws Exception {
    Map<String, String> values = new TreeMap<>();
    values.put("id", new UUID(1, 2).toString());
    values.put("phase", "TAKEN");
    values.put("created", "2024-05-01T10:00:00Z");
    values.put("taken", "2024-05-01T10:00:01Z");
    values.put("boot_id", "boot");
    values.put("clean", "true");
    values.put("members", "0");
    RecordFile.write(directory.resolve("snapshot.record"), "snapshot", values);
    SnapshotRecord read = SnapshotRecord.read(directory);
    assertEquals("", read.origin().owner());
    assertEquals("", read.origin().label());
    assertEquals(new UUID(1, 2), read.id());
  }
}
