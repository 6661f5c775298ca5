// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;

/** A thread that waits for an event. */
final class Waits {
  interface Wait {
    BlksnapEvent.OfSnapshot run() throws BlksnapException;
  }

  private final CompletableFuture<BlksnapEvent.OfSnapshot> answer = new CompletableFuture<>();
  private final Thread thread;

  private Waits(Wait wait) {
    thread =
        new Thread(
            () -> {
              try {
                answer.complete(wait.run());
              } catch (Throwable e) {
                answer.completeExceptionally(e);
              }
            });
  }

  /** Surely within the wait when it returns. */
  static Waits in(Wait wait) {
    Waits made = new Waits(wait);
    made.thread.start();
    while (made.thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    return made;
  }

  void interrupt() {
    thread.interrupt();
  }

  BlksnapEvent.OfSnapshot event() throws Exception {
    return answer.get(10, TimeUnit.SECONDS);
  }

  Errno errno() {
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> answer.get(10, TimeUnit.SECONDS));
    return BlksnapException.errnoOf(e.getCause());
  }
}
