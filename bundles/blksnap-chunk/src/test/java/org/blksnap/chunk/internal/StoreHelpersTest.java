// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StoreHelpersTest {
  private final AtomicBoolean noThreads = new AtomicBoolean();
  private final AtomicInteger refused = new AtomicInteger();

  private Thread thread(Runnable task) {
    if (noThreads.get()) {
      refused.incrementAndGet();
      throw new OutOfMemoryError("unable to create native thread");
    }
    return new Thread(task);
  }

  @Test
  void whoCallsForHelpGoesOnWhereTheMachineHasNoThreadAndHelpComesLater() throws Exception {
    StoreHelpers helpers = new StoreHelpers(this::thread);
    noThreads.set(true);
    for (int i = 0; i < 2 * StoreHelpers.MOST; i++) {
      helpers.call(() -> {});
    }
    assertEquals(2 * StoreHelpers.MOST, refused.get());
    noThreads.set(false);
    CountDownLatch all = new CountDownLatch(StoreHelpers.MOST);
    CountDownLatch go = new CountDownLatch(1);
    for (int i = 0; i < StoreHelpers.MOST; i++) {
      helpers.call(
          () -> {
            all.countDown();
            try {
              go.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
    }
    assertTrue(all.await(30, TimeUnit.SECONDS), "threads that did not start count for none");
    go.countDown();
    helpers.end();
    helpers.awaitEnd(TimeUnit.SECONDS.toNanos(30));
    assertTrue(helpers.ended());
  }
}
