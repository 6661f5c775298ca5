// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.host.HostOperations;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * File systems frozen together, and thawed together.
 *
 * <p>One daemon thread a freeze does everything to the file systems: it freezes them one by one,
 * waits for {@link #close} or the deadline, and thaws them. So there is no race between a thaw and
 * a freeze still under way, and a freeze that hangs keeps neither its caller nor the others: the
 * caller leaves at the deadline, and whatever the hanging call froze in the end is thawed.
 *
 * <p>States: freezing → frozen → thawed, or freezing → thawed with a failure. Invariant: the thread
 * does not end before each file system it froze was thawed, and nothing is frozen without a {@link
 * ThawWatchdog} that is ready. Nothing is logged while anything is frozen.
 *
 * <p>The thaw by this thread is the ordinary one. The watchdog's deadline is {@link #GRACE} later,
 * so that it acts only where this JVM does not.
 */
final class Freeze implements RawDevice.Thaw, Runnable {
  /** Longest wait of {@link #close} for the thaw. */
  static final Duration THAW_WAIT = Duration.ofSeconds(10);

  /** How long after the deadline the watchdogs wait for this thread's own thaw. */
  static final Duration GRACE = Duration.ofSeconds(1);

  private static final Logger LOG = LoggerFactory.getLogger(Freeze.class);

  private final HostOperations host;
  private final List<Path> points;
  private final Duration bound;
  private final long deadlineNanos;
  private final ThawWatchdog.Starter starter;
  private final Consumer<Freeze> whenOver;
  private final CountDownLatch settled = new CountDownLatch(1);
  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch over = new CountDownLatch(1);
  private volatile BlksnapException failure;
  private volatile boolean expired;

  private Freeze(
      HostOperations host,
      ThawWatchdog.Starter starter,
      List<Path> points,
      Duration deadline,
      Consumer<Freeze> whenOver) {
    this.host = host;
    this.starter = starter;
    this.points = List.copyOf(points);
    this.bound = deadline;
    this.deadlineNanos = System.nanoTime() + deadline.toNanos();
    this.whenOver = whenOver;
  }

  /**
   * Freezes all of them or none. ETIMEDOUT at the deadline, EINTR, or what a freeze or the start of
   * a watchdog answered.
   */
  static Freeze begin(
      HostOperations host,
      ThawWatchdog.Starter starter,
      List<Path> points,
      Duration deadline,
      Consumer<Freeze> whenBegun,
      Consumer<Freeze> whenOver)
      throws BlksnapException {
    Freeze freeze = new Freeze(host, starter, points, deadline, whenOver);
    whenBegun.accept(freeze);
    Thread thread = new Thread(freeze, "blksnap-freeze");
    thread.setDaemon(true);
    thread.start();
    freeze.awaitFrozen();
    return freeze;
  }

  @Override
  public int fileSystems() {
    return points.size();
  }

  @Override
  public boolean expired() {
    return expired;
  }

  @Override
  public void close() {
    asked.countDown();
    boolean interrupted = Thread.interrupted();
    long end = System.nanoTime() + THAW_WAIT.toNanos();
    boolean done = false;
    while (!done && end - System.nanoTime() > 0) {
      try {
        done = over.await(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      } catch (InterruptedException again) {
        interrupted = true;
      }
    }
    if (!done) {
      LOG.error("{} not thawed within {}; try fsfreeze --unfreeze", points, THAW_WAIT);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void run() {
    Deque<Path> frozen = new ArrayDeque<>();
    Deque<ThawWatchdog> watchdogs = new ArrayDeque<>();
    try {
      startAll(watchdogs);
      if (failure == null) {
        freezeAll(frozen);
      }
      if (failure == null) {
        settled.countDown();
        awaitAsked(deadlineNanos - System.nanoTime());
      }
    } finally {
      // What stood still on the way here counts too: the time is looked at, not who woke whom.
      expired |= deadlineNanos - System.nanoTime() <= 0;
      List<BlksnapException> failures = thawAll(frozen);
      while (!watchdogs.isEmpty()) {
        expired |= watchdogs.pop().standDown();
      }
      settled.countDown();
      over.countDown();
      whenOver.accept(this);
      failures.forEach(failed -> LOG.error("thaw failed: {}", failed.toString()));
      if (expired && failure == null) {
        LOG.warn(
            "{} thawed before the snapshot asked for it, by the deadline or by others", points);
      }
    }
  }

  /** All of them before the first freeze: a process is not begun while anything is frozen. */
  private void startAll(Deque<ThawWatchdog> watchdogs) {
    try {
      for (Path point : points) {
        if (asked.getCount() == 0) {
          failure = late();
          return;
        }
        watchdogs.push(starter.start(point, bound.plus(GRACE)));
      }
    } catch (BlksnapException refused) {
      failure = refused;
    } catch (RuntimeException | Error broken) {
      failure = new BlksnapException(Errno.EIO, "freeze of " + points + ": " + broken, broken);
    }
  }

  private void freezeAll(Deque<Path> frozen) {
    for (Path point : points) {
      if (asked.getCount() == 0 || deadlineNanos - System.nanoTime() <= 0) {
        failure = late();
        return;
      }
      try {
        host.freeze(point);
        frozen.push(point);
      } catch (BlksnapException refused) {
        failure = refused;
        return;
      } catch (RuntimeException | LinkageError broken) {
        failure = new BlksnapException(Errno.EIO, "freeze of " + point + ": " + broken, broken);
        return;
      }
    }
    if (asked.getCount() == 0) {
      failure = late();
    }
  }

  private List<BlksnapException> thawAll(Deque<Path> frozen) {
    List<BlksnapException> failures = new ArrayList<>();
    while (!frozen.isEmpty()) {
      Path point = frozen.pop();
      try {
        host.thaw(point);
      } catch (BlksnapException refused) {
        expired = true;
        if (refused.errno() != Errno.EINVAL) {
          failures.add(refused);
        }
      } catch (RuntimeException | LinkageError broken) {
        failures.add(new BlksnapException(Errno.EIO, "thaw of " + point + ": " + broken, broken));
      }
    }
    return failures;
  }

  private void awaitAsked(long nanos) {
    try {
      if (!asked.await(nanos, TimeUnit.NANOSECONDS)) {
        expired = true;
      }
    } catch (InterruptedException stopped) {
      expired = true;
    }
  }

  private void awaitFrozen() throws BlksnapException {
    BlksnapException refusal;
    try {
      boolean done = settled.await(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
      refusal = done ? failure : late();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      refusal = new BlksnapException(Errno.EINTR, "freeze of " + points + " interrupted", stopped);
    }
    if (refusal != null) {
      asked.countDown();
      throw refusal;
    }
  }

  private BlksnapException late() {
    return new BlksnapException(
        Errno.ETIMEDOUT,
        "freeze of " + points + " not done within its deadline; allow more or write less");
  }
}
