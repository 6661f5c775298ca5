// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.shelf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ShelfTest {
  private Shelf shelf = new Shelf(60_000);

  @AfterEach
  void close() {
    shelf.close();
  }

  @Test
  void whatIsLeftIsFetchedOnce() {
    shelf.leave("k", List.of("a"));
    assertEquals(List.of("a"), shelf.fetch("k").orElseThrow());
    assertTrue(shelf.fetch("k").isEmpty());
  }

  @Test
  void whatNobodyFetchesIsClosedAlsoInside() throws Exception {
    shelf.close();
    shelf = new Shelf(20);
    CountDownLatch closed = new CountDownLatch(2);
    AutoCloseable one = closed::countDown;
    shelf.leave("k", Map.of("a", one, "b", List.of(one)));
    assertTrue(closed.await(10, TimeUnit.SECONDS));
    assertTrue(shelf.fetch("k").isEmpty());
  }

  @Test
  void anOlderOneUnderTheSameKeyIsClosed() throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    AutoCloseable older = closed::countDown;
    shelf.leave("k", older);
    shelf.leave("k", "newer");
    assertTrue(closed.await(1, TimeUnit.SECONDS));
    assertEquals("newer", shelf.fetch("k").orElseThrow());
  }

  @Test
  void theTimeInForceStaysWhereABadOneIsConfigured() {
    shelf.close();
    shelf = new Shelf(Map.of("handover_timeout_seconds", "abc"));
    assertEquals(10_000, shelf.keepMillis());
    shelf.modified(Map.of("handover_timeout_seconds", "3"));
    assertEquals(3_000, shelf.keepMillis());
    shelf.modified(Map.of("handover_timeout_seconds", 16));
    assertEquals(3_000, shelf.keepMillis());
    shelf.modified(Map.of());
    assertEquals(10_000, shelf.keepMillis());
  }

  @Test
  void aChangeOfTheTimeLeavesWhatLiesThere() {
    shelf.leave("k", List.of("a"));
    shelf.modified(Map.of("handover_timeout_seconds", "5"));
    assertEquals(List.of("a"), shelf.fetch("k").orElseThrow());
  }

  @Test
  void whatStillLiesThereAtTheEndIsClosed() throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    AutoCloseable one = closed::countDown;
    shelf.leave("k", one);
    shelf.close();
    assertTrue(closed.await(1, TimeUnit.SECONDS));
  }

  @Test
  void whatIsLeftAfterTheEndIsClosedAtOnce() throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    AutoCloseable one = closed::countDown;
    shelf.close();
    shelf.leave("k", one);
    assertTrue(closed.await(1, TimeUnit.SECONDS));
    assertTrue(shelf.fetch("k").isEmpty());
  }

  @Test
  void theTimeOfAnEarlierOneDoesNotEndALaterEqualOne() throws Exception {
    shelf.close();
    shelf = new Shelf(50);
    CountDownLatch passed = new CountDownLatch(1);
    AutoCloseable marker = passed::countDown;
    shelf.leave("k", List.of(ByteBuffer.allocateDirect(8)));
    shelf.fetch("k");
    shelf.leave("marker", marker);
    shelf.modified(Map.of("handover_timeout_seconds", "15"));
    shelf.leave("k", List.of(ByteBuffer.allocateDirect(8)));
    assertTrue(passed.await(10, TimeUnit.SECONDS));
    assertTrue(shelf.fetch("k").isPresent());
  }
}
