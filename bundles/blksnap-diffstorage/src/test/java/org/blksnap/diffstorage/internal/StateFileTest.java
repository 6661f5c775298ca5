// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The state file's bytes, and what is made of damaged ones. */
class StateFileTest {
  private static final UUID SNAPSHOT = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
  private static final PartRecord RANGE =
      new PartRecord(PartRecord.Kind.RANGE, 4096, 0, 8192, 512, "block:8:1", "/dev/x");
  private static final PartRecord MEMORY = PartRecord.memory(8192, 1024);

  @TempDir Path directory;
  private Path path;

  @BeforeEach
  void write() throws IOException {
    path = directory.resolve("state");
    try (StateFile state = StateFile.create(path, SNAPSHOT, 1000)) {
      state.append(List.of(RANGE, MEMORY));
      assertTrue(state.advance(0, 4096));
      state.overflow(true);
      state.receiver(7);
    }
  }

  private void refused(String word) {
    BlksnapException e =
        assertThrows(
            BlksnapException.class,
            () -> {
              try (StateFile state = StateFile.open(path, SNAPSHOT)) {
                state.read();
              }
            });
    assertEquals(Errno.EFAULT, e.errno());
    assertTrue(e.getMessage().contains(word), e.getMessage());
  }

  private void poke(int offset, int value) throws IOException {
    byte[] bytes = Files.readAllBytes(path);
    bytes[offset] = (byte) value;
    Files.write(path, bytes);
  }

  @Test
  void goldenBytes() throws IOException {
    byte[] bytes = Files.readAllBytes(path);
    assertEquals(4096 + 64 + 48, bytes.length);
    String header =
        "424c4b534e504453" // BLKSNPDS
            + "01000000"
            + "00100000"
            + "00112233445566778899aabbccddeeff"
            + "d982a671"
            + "00".repeat(28)
            + "0010000000000000"
            + "e803000000000000"
            + "7010000000000000"
            + "0100000000000000"
            + "0700000000000000";
    String first =
        "40000000"
            + "f6f629c3"
            + "01"
            + "00"
            + "0900"
            + "0600"
            + "0000"
            + "00100000"
            + "00000000"
            + "0000000000000000"
            + "0020000000000000"
            + "0002000000000000"
            + HexFormat.of().formatHex("block:8:1/dev/x".getBytes(StandardCharsets.UTF_8))
            + "00";
    String second =
        "30000000"
            + "562ba7e4"
            + "03"
            + "00"
            + "0000"
            + "0000"
            + "0000"
            + "00020000"
            + "00000000"
            + "0020000000000000"
            + "0004000000000000"
            + "0000000000000000";
    assertGolden(header, bytes, 0, 104);
    assertGolden(first, bytes, 4096, 64);
    assertGolden(second, bytes, 4160, 48);
    assertArrayEquals(new byte[4096 - 104], Arrays.copyOfRange(bytes, 104, 4096));
  }

  private static void assertGolden(String hex, byte[] bytes, int from, int length) {
    assertEquals(hex, HexFormat.of().formatHex(bytes, from, from + length));
  }

  @Test
  void whatWasWrittenIsRead() throws IOException {
    try (StateFile state = StateFile.open(path, SNAPSHOT)) {
      assertEquals(List.of(RANGE, MEMORY), state.read());
      assertEquals(4096, state.filled());
      assertEquals(1000, state.requested());
      assertTrue(state.overflown());
      assertEquals(7, state.receiver(8));
    }
  }

  @Test
  void aRecordBehindTheEndDoesNotExist() throws IOException {
    Files.write(path, new byte[37], java.nio.file.StandardOpenOption.APPEND);
    try (StateFile state = StateFile.open(path, SNAPSHOT)) {
      assertEquals(2, state.read().size());
      state.append(List.of(PartRecord.memory(9216, 512)));
    }
    try (StateFile state = StateFile.open(path, SNAPSHOT)) {
      assertEquals(3, state.read().size());
    }
  }

  @Test
  void anotherMagicIsRefused() throws IOException {
    poke(0, 'X');
    refused("BLKSNPDS");
  }

  @Test
  void aNewerVersionIsRefused() throws IOException {
    poke(StateFile.OFF_VERSION, 2);
    refused("newer");
  }

  @Test
  void anOlderVersionIsRefused() throws IOException {
    poke(StateFile.OFF_VERSION, 0);
    refused("older");
  }

  @Test
  void aDamagedHeaderIsRefused() throws IOException {
    poke(StateFile.OFF_SNAPSHOT, 1);
    refused("checksum");
  }

  @Test
  void anotherSnapshotsFileIsRefused() {
    BlksnapException e =
        assertThrows(BlksnapException.class, () -> StateFile.open(path, new UUID(1, 2)));
    assertTrue(e.getMessage().contains("belongs to"), e.getMessage());
  }

  @Test
  void aDamagedRecordIsRefused() throws IOException {
    poke(4096 + RecordLayout.PART_LENGTH, 1);
    refused("checksum");
  }

  @Test
  void aCutFileIsRefused() throws IOException {
    byte[] bytes = Files.readAllBytes(path);
    Files.write(path, Arrays.copyOf(bytes, bytes.length - 8));
    refused("end at");
    Files.write(path, Arrays.copyOf(bytes, 100));
    refused("100 bytes");
  }

  @Test
  void aFillBehindTheEndIsRefused() throws IOException {
    poke(StateFile.OFF_FILLED + 2, 1);
    refused("filled");
  }

  @Test
  void noSingleFlippedByteIsAnythingButRefusedOrHarmless() throws IOException {
    byte[] good = Files.readAllBytes(path);
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("noSingleFlippedByte… -Dseed=" + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 500; i++) {
      byte[] bad = good.clone();
      int at = random.nextBoolean() ? random.nextInt(104) : 4096 + random.nextInt(112);
      bad[at] ^= (byte) (1 << random.nextInt(8));
      Files.write(path, bad);
      boolean word = at >= StateFile.OFF_FILLED && at < 104;
      boolean unused = at >= 36 && at < StateFile.OFF_FILLED;
      try (StateFile state = StateFile.open(path, SNAPSHOT)) {
        List<PartRecord> records = state.read();
        assertTrue(word || unused, "seed " + seed + ": byte " + at + " not noticed");
        assertTrue(records.size() <= 2);
      } catch (BlksnapException e) {
        assertEquals(Errno.EFAULT, e.errno());
      }
    }
  }
}
