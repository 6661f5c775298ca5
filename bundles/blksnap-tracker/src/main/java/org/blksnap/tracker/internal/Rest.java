// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

/**
 * Durable mode: whether a map's file says on disk that it is closed, because nobody writes to the
 * device. The first change takes that back, on disk, before it is made; whoever comes meanwhile
 * waits for it at the monitor.
 *
 * <p>{@link #begin} comes under the exclusive side of the device's gate, so never while a mark is
 * under way. What it and {@link #stir} throw is the map's: UncheckedIOException, InternalError.
 */
final class Rest {
  /** Read by every mark. */
  private volatile boolean resting;

  private volatile boolean stirred;

  void begin(MapFile file, String fingerprint) {
    file.force();
    file.updateForced(header -> header.closed(fingerprint));
    resting = true;
  }

  void stir(MapFile file) {
    if (!stirred) {
      stirred = true;
    }
    if (resting) {
      end(file);
    }
  }

  private synchronized void end(MapFile file) {
    if (resting) {
      file.updateForced(header -> header.without(MapLayout.CLEAN));
      file.updateForced(header -> header.without(MapLayout.CLEAN));
      resting = false;
    }
  }

  /** Whether there was a change since this was asked last. */
  boolean stirred() {
    boolean was = stirred;
    stirred = false;
    return was;
  }
}
