// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.SnapshotService;

/**
 * The engine as it comes and goes. What it refuses with ESHUTDOWN has changed nothing, so it is
 * asked again, or its successor is, until patience is at an end. Keeps nothing; any thread.
 */
final class Engines {
  /** Between two looks for an engine. */
  private static final long LOOK_MILLIS = 20;

  /** What is done on an engine; may be done more than once. */
  @FunctionalInterface
  interface Use {
    int on(SnapshotService engine) throws IOException;
  }

  /** Asked between two looks; what it throws ends the wait. */
  @FunctionalInterface
  interface Meanwhile {
    void look() throws IOException;
  }

  private final Supplier<SnapshotService> present;
  private final Duration patience;

  Engines(Supplier<SnapshotService> present, Duration patience) {
    this.present = present;
    this.patience = patience;
  }

  /** ESHUTDOWN: there was no engine for as long as patience lasts. */
  int use(Use use, Meanwhile meanwhile) throws IOException {
    BlksnapException refusal = null;
    long absent = System.nanoTime();
    while (true) {
      SnapshotService engine = present.get();
      if (engine != null) {
        long begun = System.nanoTime();
        try {
          return use.on(engine);
        } catch (BlksnapException e) {
          if (e.errno() != Errno.ESHUTDOWN) {
            throw e;
          }
          refusal = e;
        }
        if (System.nanoTime() - begun > patience.toNanos()) {
          absent = System.nanoTime();
        }
      }
      if (System.nanoTime() - absent >= patience.toNanos()) {
        throw refusal != null ? refusal : none();
      }
      meanwhile.look();
      pause();
    }
  }

  private BlksnapException none() {
    return new BlksnapException(
        Errno.ESHUTDOWN,
        "call refused: no engine has been there for " + patience.toSeconds() + " s; start one");
  }

  private static void pause() throws BlksnapException {
    try {
      TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BlksnapException(Errno.EINTR, "the call was interrupted", e);
    }
  }
}
