// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.linux.file.HeldFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees that a path no longer leads to the file that is open: renamed, removed, replaced, or the
 * link on the way changed. I/O goes on to the open file. Said once in the log, and once when it is
 * over. Any thread; of several at one moment one may say it twice.
 */
final class PathWatch {
  /** How often the path is looked at, however often one asks. */
  static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final Logger LOG = LoggerFactory.getLogger(PathWatch.class);

  private final Path path;
  private final HeldFile held;
  private final AtomicLong lastLook = new AtomicLong(System.nanoTime() - INTERVAL_NANOS);
  private volatile String strayed = "";

  PathWatch(Path path, HeldFile held) {
    this.path = path;
    this.held = held;
  }

  /** Looks, unless that was done a moment ago. */
  void look() {
    long last = lastLook.get();
    long now = System.nanoTime();
    if (now - last >= INTERVAL_NANOS && lastLook.compareAndSet(last, now)) {
      now();
    }
  }

  /** Looks; empty where the path leads to the open file. */
  String now() {
    String before = strayed;
    String found = held.strayed();
    strayed = found;
    if (before.isEmpty() && !found.isEmpty()) {
      LOG.error(
          "{} no longer leads to the attached file, {}: I/O goes on to the file as it was attached,"
              + " which has no name there any more; put it back, or detach and attach again",
          path,
          found);
    } else if (!before.isEmpty() && found.isEmpty()) {
      LOG.info("{} leads to the attached file again", path);
    }
    return found;
  }
}
