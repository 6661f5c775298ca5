// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Consistency;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordFileTest {
  @TempDir Path directory;

  @Test
  void layoutIsAsDrawn() throws Exception {
    Path file = directory.resolve("r");
    RecordFile.write(file, "kind", Map.of("b", "2", "a", "x\ny\\"));
    assertEquals(
        "blksnap-record 1 kind\na=x\\ny\\\\\nb=2\ncrc32c=98b04465\n", Files.readString(file));
  }

  @Test
  void whatWasWrittenIsRead() throws Exception {
    Path file = directory.resolve("r");
    Map<String, String> values = Map.of("a", "line\none\\n\r", "empty", "", "equals", "a=b=c");
    RecordFile.write(file, "kind", values);
    assertEquals(values, RecordFile.read(file, "kind"));
  }

  @Test
  void anyFlippedBitIsNoticed() throws Exception {
    Path file = directory.resolve("r");
    RecordFile.write(file, "kind", Map.of("a", "some value", "b", "another"));
    byte[] good = Files.readAllBytes(file);
    for (int bit = 0; bit < good.length * 8; bit++) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << (bit % 8));
      Files.write(file, bad);
      assertThrows(BlksnapException.class, () -> RecordFile.read(file, "kind"), "bit " + bit);
    }
  }

  @Test
  void aTruncatedOrRandomFileIsDamagedNotACrash() throws Exception {
    Path file = directory.resolve("r");
    RecordFile.write(file, "kind", Map.of("a", "some value"));
    byte[] good = Files.readAllBytes(file);
    for (int length = 0; length < good.length; length++) {
      Files.write(file, java.util.Arrays.copyOf(good, length));
      assertEquals(
          Errno.EFAULT,
          assertThrows(BlksnapException.class, () -> RecordFile.read(file, "kind")).errno());
    }
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < 2000; i++) {
      byte[] noise = new byte[random.nextInt(300)];
      random.nextBytes(noise);
      Files.write(file, noise);
      assertThrows(BlksnapException.class, () -> RecordFile.read(file, "kind"), "seed " + seed);
    }
  }

  @Test
  void anotherKindAndAnotherVersionAreDifferentErrors() throws Exception {
    Path file = directory.resolve("r");
    RecordFile.write(file, "kind", Map.of("a", "1"));
    assertEquals(
        Errno.EINVAL,
        assertThrows(BlksnapException.class, () -> RecordFile.read(file, "other")).errno());
  }

  @Test
  void deviceRecordComesBackAsItWas() throws Exception {
    DeviceRecord record =
        new DeviceRecord(new AttachRequest(Path.of("/a b/c=d"), "n", true, false, true, true), 7);
    record.write(directory);
    assertEquals(record, DeviceRecord.read(directory));
  }

  @Test
  void snapshotRecordComesBackAsItWas() throws Exception {
    SnapshotRecord record =
        new SnapshotRecord(
            UUID.randomUUID(),
            SnapshotRecord.Phase.TAKEN,
            Instant.now(),
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
}
