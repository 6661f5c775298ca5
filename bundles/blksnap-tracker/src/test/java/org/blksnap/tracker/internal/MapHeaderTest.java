// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.blksnap.api.change.GenerationReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MapHeaderTest {
  private static final MapHeader HEADER =
      new MapHeader(
          0x0102,
          1L << 40,
          19,
          1 << 21,
          7,
          6,
          8,
          MapLayout.DURABLE,
          UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"),
          Instant.ofEpochMilli(0x0000018bcfe56800L),
          GenerationReason.RESIZE,
          "détail",
          "b",
          "wwn-1",
          "f");

  @Test
  void theSlotsBytesAreTheDrawnOnes() {
    byte[] golden = new byte[MapLayout.SLOT_LENGTH];
    put(golden, 0, "424c4b534e50434d 02000000 00080000 0201000000000000");
    put(golden, 24, "0000000000010000 00112233445566778899aabbccddeeff 0068e5cf8b010000");
    put(golden, 56, "00002000 13 07 06 08 02");
    put(golden, 128, "0100 62");
    put(golden, 192, "0600 524553495a45");
    put(golden, 256, "0500 77776e2d31");
    put(golden, 768, "0100 66");
    put(golden, 1280, "0700 64c3a97461696c");
    CRC32C crc = new CRC32C();
    crc.update(golden, 0, 2044);
    for (int i = 0; i < 4; i++) {
      golden[2044 + i] = (byte) (crc.getValue() >>> (8 * i));
    }
    assertEquals(HexFormat.of().formatHex(golden), HexFormat.of().formatHex(HEADER.encode()));
  }

  @Test
  void theFilesBytesAreTheDrawnOnes(@TempDir Path directory) throws Exception {
    TrackerBench bench = new TrackerBench(directory);
    bench.capacity = 5000L * 4096;
    var tracker = bench.open();
    tracker.mark(4096, 1);
    TrackerBench.take(tracker, bench.capacity);
    tracker.mark(4096, 1);
    byte[] bytes = Files.readAllBytes(bench.file);
    assertEquals(8192 + 2 * 8192, bytes.length);
    assertEquals("BLKSNPCM", new String(bytes, 0, 8, StandardCharsets.US_ASCII));
    assertEquals("BLKSNPCM", new String(bytes, 4096, 8, StandardCharsets.US_ASCII));
    assertEquals(2, bytes[8192 + 1], "write map");
    assertEquals(1, bytes[8192 + 8192 + 1], "read map");
    tracker.handOver();
  }

  @Test
  void aSlotReadsBackAsItWasWritten() throws Exception {
    assertEquals(HEADER, MapHeader.decode(HEADER.encode()));
  }

  @Test
  void everyFlippedBitIsNoticed() {
    byte[] bytes = HEADER.encode();
    for (int bit = 0; bit < bytes.length * 8; bit++) {
      byte[] flipped = bytes.clone();
      flipped[bit >>> 3] ^= (byte) (1 << (bit & 7));
      assertThrows(MapHeader.Unreadable.class, () -> MapHeader.decode(flipped));
    }
  }

  @Test
  void longTextsAreCutAtACharacterAndLongKeysAreDigested() throws Exception {
    MapHeader header =
        new MapHeader(
            0,
            0,
            12,
            0,
            1,
            0,
            1,
            0,
            new UUID(1, 2),
            Instant.EPOCH,
            GenerationReason.WRAP,
            "é".repeat(400),
            "",
            MapHeader.keyOf("x".repeat(600)),
            "");
    MapHeader back = MapHeader.decode(header.encode());
    assertEquals("é".repeat(255), back.detail());
    assertEquals(MapHeader.keyOf("x".repeat(600)), back.identity());
    assertEquals("sha256:".length() + 64, back.identity().length());
  }

  private static void put(byte[] target, int at, String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    System.arraycopy(bytes, 0, target, at, bytes.length);
  }
}
