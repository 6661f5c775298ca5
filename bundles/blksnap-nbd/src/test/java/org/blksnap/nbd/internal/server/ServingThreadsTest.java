// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.junit.jupiter.api.Test;

class ServingThreadsTest {
  private static void readOnce(ServerFixture fixture) throws IOException {
    try (RawClient client = fixture.connect().enter("disk", Mode.SIMPLE)) {
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
    }
  }

  @Test
  void eachThreadIsToldOfItself() throws IOException {
    List<String> told = new CopyOnWriteArrayList<>();
    try (ServerFixture fixture = new ServerFixture()) {
      readOnce(fixture);
      fixture.server.begun(() -> told.add(Thread.currentThread().getName()));
      readOnce(fixture);
      readOnce(fixture);
    }
    assertEquals(List.of("nbd-2", "nbd-3"), told);
  }

  @Test
  void whoThrowsIsAskedNoMoreAndHoldsUpNobody() throws IOException {
    List<String> told = new CopyOnWriteArrayList<>();
    try (ServerFixture fixture = new ServerFixture()) {
      fixture.server.begun(
          () -> {
            told.add(Thread.currentThread().getName());
            throw new IllegalStateException("no");
          });
      readOnce(fixture);
      readOnce(fixture);
    }
    assertTrue(told.equals(List.of("nbd-1")), told.toString());
  }
}
