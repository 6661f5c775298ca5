// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
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
  void whatWouldNotBeReadIsNotWrittenAndTheOldOneStays() throws Exception {
    Path file = directory.resolve("r");
    Map<String, String> old = Map.of("a", "x".repeat(15 << 20));
    RecordFile.write(file, "kind", old);
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () -> RecordFile.write(file, "kind", Map.of("a", "x".repeat(16 << 20))));
    assertEquals(Errno.EFBIG, refused.errno());
    assertEquals(old, RecordFile.read(file, "kind"));
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
}
