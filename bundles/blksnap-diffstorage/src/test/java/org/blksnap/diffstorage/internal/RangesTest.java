// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.storage.StorageRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which ranges are accepted. */
class RangesTest {
  @TempDir Path directory;
  private PoolFixture fixture;
  private DiffStorage pool;

  @BeforeEach
  void open() throws IOException {
    fixture = new PoolFixture(directory);
    pool = fixture.create();
  }

  @AfterEach
  void delete() {
    pool.delete();
  }

  private String refused(Errno errno, Path path, Geometry geometry, ByteRange... ranges) {
    long before = pool.status().capacityBytes();
    BlksnapException e =
        assertThrows(
            BlksnapException.class, () -> pool.appendRanges(path, List.of(ranges), geometry));
    assertEquals(errno, e.errno(), e.getMessage());
    assertEquals(before, pool.status().capacityBytes());
    return e.getMessage();
  }

  @Test
  void aNewPoolIsEmpty() {
    assertTrue(pool.isEmpty());
    assertEquals(0, pool.logicalBlockSize());
    assertEquals(0, pool.status().capacityBytes());
  }

  @Test
  void anEmptyListGivesTheWholeFile() throws IOException {
    fixture.append(pool, fixture.file("f", 10_240));
    assertEquals(20 * 512, pool.status().capacityBytes());
    assertFalse(pool.isEmpty());
    assertEquals(512, pool.logicalBlockSize());
  }

  @Test
  void anEmptyFileIsRefused() throws IOException {
    refused(Errno.EINVAL, fixture.file("f", 0), PoolFixture.geometry(0, 512));
  }

  @Test
  void aRangeBehindTheEndIsRefusedWithItsValues() throws IOException {
    String said =
        refused(
            Errno.EINVAL,
            fixture.file("f", 10_240),
            PoolFixture.geometry(10_240, 512),
            new ByteRange(9728, 1024));
    assertTrue(said.contains("9728 to 10752"), said);
    assertTrue(said.contains("10240"), said);
  }

  @Test
  void aGeometryLargerThanTheFileIsRefused() throws IOException {
    refused(Errno.EINVAL, fixture.file("f", 10_240), PoolFixture.geometry(20_480, 512));
  }

  @Test
  void anUnalignedRangeIsRefused() throws IOException {
    Path file = fixture.file("f", 10_240);
    refused(Errno.EINVAL, file, PoolFixture.geometry(file), new ByteRange(100, 512));
    refused(Errno.EINVAL, file, PoolFixture.geometry(file), new ByteRange(512, 100));
  }

  @Test
  void aRangeIsAlignedToTheLogicalBlock() throws IOException {
    Path file = fixture.file("f", 16_384);
    refused(Errno.EINVAL, file, PoolFixture.geometry(16_384, 4096), new ByteRange(512, 4096));
    pool.appendRanges(file, List.of(new ByteRange(4096, 4096)), PoolFixture.geometry(16_384, 4096));
    assertEquals(4096, pool.logicalBlockSize());
  }

  @Test
  void anEmptyRangeIsRefused() throws IOException {
    Path file = fixture.file("f", 10_240);
    refused(Errno.EINVAL, file, PoolFixture.geometry(file), new ByteRange(512, 0));
  }

  @Test
  void rangesOfOneCallMustNotOverlap() throws IOException {
    Path file = fixture.file("f", 10_240);
    refused(
        Errno.EINVAL,
        file,
        PoolFixture.geometry(file),
        new ByteRange(0, 1024),
        new ByteRange(512, 1024));
  }

  @Test
  void rangesGivenBeforeAreRefusedByWhateverName() throws IOException {
    Path file = fixture.file("f", 10_240);
    fixture.append(pool, file, new ByteRange(1024, 1024));
    Path link = directory.resolve("link");
    java.nio.file.Files.createLink(link, file);
    refused(Errno.EINVAL, link, PoolFixture.geometry(file), new ByteRange(1536, 1024));
    refused(Errno.EINVAL, file, PoolFixture.geometry(file));
    fixture.append(pool, link, new ByteRange(2048, 1024));
    assertEquals(4 * 512, pool.status().capacityBytes());
  }

  @Test
  void rangesOfAnotherSnapshotAreRefused() throws IOException {
    StorageProvider provider = fixture.provider();
    Path file = fixture.file("f", 10_240);
    DiffStorage first = provider.create(other("one"));
    DiffStorage second = provider.create(other("two"));
    fixture.append(first, file, new ByteRange(0, 1024));
    assertThrows(BlksnapException.class, () -> fixture.append(second, file, new ByteRange(0, 512)));
    first.delete();
    fixture.append(second, file, new ByteRange(0, 512));
    second.delete();
  }

  private StorageRequest other(String name) {
    return new StorageRequest(
        java.util.UUID.randomUUID(), directory.resolve(name), () -> 1000, bytes -> {});
  }

  @Test
  void aRefusedCallClaimsNothing() throws IOException {
    Path file = fixture.file("f", 10_240);
    refused(
        Errno.EINVAL,
        file,
        PoolFixture.geometry(20_480, 512),
        new ByteRange(0, 512),
        new ByteRange(10_240, 512));
    fixture.append(pool, file, new ByteRange(0, 512));
  }

  @Test
  void aMissingFileIsENOENT() {
    refused(Errno.ENOENT, directory.resolve("none"), PoolFixture.geometry(1024, 512));
  }

  /** As a device such a file has 1024 bytes, the last 24 of them not in the file. */
  @Test
  void ofAFileThatEndsWithinASectorTheWholeSectorsAreUsed() throws IOException {
    Path file = fixture.file("f", 1000);
    pool.appendRanges(file, List.of(), PoolFixture.geometry(1024, 512));
    assertEquals(512, pool.status().capacityBytes());
    assertEquals(1000, Files.size(file));
  }

  @Test
  void aDirectoryGivenAsFileIsRefused() {
    refused(Errno.EINVAL, directory, PoolFixture.geometry(1024, 512));
  }

  @Test
  void aReadOnlyDeviceIsRefused() throws IOException {
    Path file = fixture.file("f", 1024);
    refused(Errno.EROFS, file, PoolFixture.geometry(file).withReadOnly(true));
  }

  @Test
  void aDirectoryMustBeThereAndBeOne() throws IOException {
    BlksnapException missing =
        assertThrows(
            BlksnapException.class, () -> pool.appendDirectory(directory.resolve("d"), 1 << 20));
    assertEquals(Errno.ENOENT, missing.errno());
    Path file = fixture.file("f", 1);
    BlksnapException none =
        assertThrows(BlksnapException.class, () -> pool.appendDirectory(file, 1 << 20));
    assertEquals(Errno.ENOTDIR, none.errno());
    BlksnapException small =
        assertThrows(BlksnapException.class, () -> pool.appendDirectory(directory, 511));
    assertEquals(Errno.EINVAL, small.errno());
    assertTrue(pool.isEmpty());
  }

  @Test
  void unalignedMemoryIsRefused() {
    for (long bytes : new long[] {0, -512, 100}) {
      BlksnapException e = assertThrows(BlksnapException.class, () -> pool.appendMemory(bytes));
      assertEquals(Errno.EINVAL, e.errno());
    }
  }
}
