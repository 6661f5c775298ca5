// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.spi.storage.DiffStorage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When a pool asks for more; the minimum is 1000 sectors here. */
class LowSpaceTest {
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

  private void fill(int sectors) throws IOException {
    pool.allocate(sectors * 512);
  }

  @Test
  void theFirstEventComesAtCreationAndAsksForTheMinimum() {
    assertEquals(List.of(1000L), fixture.asked());
    assertEquals(List.of(512_000L), fixture.asks);
    assertEquals(1000 * 512, pool.status().requestedBytes());
  }

  @Test
  void atHalfOfTheMinimumOneEventAsksForAFurtherPortion() throws IOException {
    pool.appendMemory(1000 * 512);
    fill(499);
    assertEquals(List.of(1000L), fixture.asked());
    fill(1);
    assertEquals(List.of(1000L, 1000L), fixture.asked());
    assertEquals(2000 * 512, pool.status().requestedBytes());
  }

  @Test
  void noSecondEventBeforeTheCapacityReachesWhatWasRequested() throws IOException {
    pool.appendMemory(1000 * 512);
    fill(500);
    fill(400);
    pool.appendMemory(999 * 512);
    fill(900);
    assertEquals(2, fixture.asked().size());
    pool.appendMemory(512);
    assertEquals(3, fixture.asked().size());
    assertEquals(3000 * 512, pool.status().requestedBytes());
  }

  @Test
  void aPortionSmallerThanAskedForDoesNotCountAsGiven() throws IOException {
    pool.appendMemory(999 * 512);
    fill(900);
    assertEquals(1, fixture.asked().size());
  }

  @Test
  void moreThanAskedForStillAsksByTheRule() throws IOException {
    pool.appendMemory(10_000 * 512);
    fill(500);
    assertEquals(List.of(1000L, 1000L), fixture.asked());
    fill(999);
    assertEquals(2, fixture.asked().size());
    fill(1);
    assertEquals(3, fixture.asked().size());
  }

  @Test
  void aChangedMinimumCountsFromThenOn() throws IOException {
    pool.appendMemory(1000 * 512);
    fixture.minimumSectors.set(200);
    fill(899);
    assertEquals(1, fixture.asked().size());
    fill(1);
    assertEquals(List.of(1000L, 200L), fixture.asked());
  }
}
