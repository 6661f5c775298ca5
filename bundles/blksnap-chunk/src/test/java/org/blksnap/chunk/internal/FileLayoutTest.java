// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileLayoutTest {
  @TempDir Path directory;
  private Scene scene;

  @BeforeEach
  void anAreaWithOneStoredAndOneQueuedPage() throws Exception {
    scene = new Scene(directory, 3 << 18, 18, 1);
    scene.maximumInQueue = 100;
    scene.liveWrite((1 << 18) + 4096, scene.bytes(4096));
    scene.area.settle();
    scene.area.close();
  }

  @Test
  void theChunkMapIsAsDrawn() throws Exception {
    byte[] file = Files.readAllBytes(directory.resolve("chunks.map"));
    assertEquals(4 * 4096, file.length);
    assertEquals(
        "424c4b5343484e4b" // magic
            + "02000000" // version
            + "12000000" // chunk shift
            + "0c000000" // page shift
            + "03000000" // count
            + "00000c0000000000" // capacity
            + "00112233445566778899aabbccddeeff" // snapshot
            + "55126645" // checksum
            + "000000000000000000000000"
            + "0000000000000000", // no error
        HexFormat.of().formatHex(file, 0, 72));
    assertEquals(
        "0000000000000000" + "0100000000000000" + "0000000000000000",
        HexFormat.of().formatHex(file, 4096, 4096 + 24));
    assertEquals(
        "0000000000000000" + "0200000000000000" + "0000000000000000",
        HexFormat.of().formatHex(file, 8192, 8192 + 24));
    assertEquals("00".repeat(24), HexFormat.of().formatHex(file, 12288, 12288 + 24));
  }

  @Test
  void aPageOfZeroesIsABitInTheChunkMap() throws Exception {
    scene.area = scene.engine.adopt(scene.request());
    scene.area.writeZeroes((2 << 18) + 4096, 8192);
    scene.area.close();
    byte[] file = Files.readAllBytes(directory.resolve("chunks.map"));
    assertEquals("0600000000000000", HexFormat.of().formatHex(file, 8192 + 16, 8192 + 24));
    assertEquals("0600000000000000", HexFormat.of().formatHex(file, 12288 + 16, 12288 + 24));
  }

  @Test
  void theSlotsAreAsDrawn() throws Exception {
    byte[] file = Files.readAllBytes(directory.resolve("queue.buf"));
    assertEquals(
        "424c4b53534c4f54" + "02000000" + "12000000" + "0c000000" + "04000000",
        HexFormat.of().formatHex(file, 0, 24));
    assertEquals(BufferSlots.DATA + (4 << 18), file.length);
    assertEquals(
        "00".repeat(16), HexFormat.of().formatHex(file, 4096, 4096 + 16), "stored: slot is free");
  }

  @Test
  void aQueuedPageLiesInItsSlot() throws Exception {
    scene.storage.hang = new java.util.concurrent.CountDownLatch(1);
    scene.area = scene.engine.adopt(scene.request());
    scene.liveWrite((2 << 18) + 8192, scene.bytes(4096));
    byte[] file = Files.readAllBytes(directory.resolve("queue.buf"));
    assertEquals(
        "0300000000000000" + "0400000000000000", HexFormat.of().formatHex(file, 4096, 4096 + 16));
    int at = (2 << 18) + 8192;
    int slot = BufferSlots.DATA + 8192;
    assertTrue(Arrays.equals(file, slot, slot + 4096, scene.image, at, at + 4096));
    scene.close();
  }

  @Test
  void theErrorIsInTheHeader() throws Exception {
    scene.area = scene.engine.adopt(scene.request());
    scene.area.corrupt(Errno.ENOSPC, "full");
    byte[] file = Files.readAllBytes(directory.resolve("chunks.map"));
    assertEquals("1c000000" + "04000000" + "66756c6c", HexFormat.of().formatHex(file, 64, 76));
    scene.close();
  }

  @Test
  void aDamagedHeaderIsRefused() throws Exception {
    for (int at = 0; at < 52; at++) {
      for (String name : new String[] {"chunks.map", "queue.buf"}) {
        flip(name, at);
        refusedAdopt();
        flip(name, at);
      }
    }
    scene.area = scene.engine.adopt(scene.request());
    assertTrue(Arrays.equals(scene.image, scene.wholeImage()));
    scene.close();
  }

  @Test
  void anotherCapacityIsRefused() throws Exception {
    Scene larger = new Scene(Files.createDirectory(directory.resolve("x")), 4 << 18, 18, 1);
    larger.directory = directory;
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> larger.engine.adopt(larger.request()));
    assertEquals(Errno.EFAULT, refused.errno());
    larger.directory = directory.resolve("x");
    larger.close();
  }

  @Test
  void anotherSnapshotIsRefused() {
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () -> ChunkMap.open(directory, scene.live.length, UUID.randomUUID()));
    assertEquals(Errno.EFAULT, refused.errno());
    assertTrue(refused.getMessage().contains("belongs to snapshot"), refused.getMessage());
  }

  @Test
  void aSavedPageThatLiesNowhereIsRefused() throws Exception {
    try (RandomAccessFile file =
        new RandomAccessFile(directory.resolve("chunks.map").toFile(), "rw")) {
      file.seek(8192);
      file.write(1);
    }
    refusedAdopt();
  }

  @Test
  void changedParametersDoNotChangeAnAdoptedArea() throws Exception {
    scene.rule = new org.blksnap.api.block.BlockSizeRule(20, 1000, 20);
    scene.area = scene.engine.adopt(scene.request());
    assertEquals(1 << 18, scene.area.chunkSize());
    assertTrue(Arrays.equals(scene.image, scene.wholeImage()));
    scene.close();
  }

  private void refusedAdopt() {
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> scene.engine.adopt(scene.request()));
    assertEquals(Errno.EFAULT, refused.errno());
  }

  private void flip(String name, int at) throws Exception {
    try (RandomAccessFile file = new RandomAccessFile(directory.resolve(name).toFile(), "rw")) {
      file.seek(at);
      int old = file.read();
      file.seek(at);
      file.write(old ^ 0x40);
    }
  }
}
