// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.GateStatistics;

/**
 * A door every request passes and a take, a resize, a detach or a hot swap closes for a moment.
 *
 * <p>Shared side: {@link #enter} adds one to a counter of the thread's stripe and then looks
 * whether the gate is closed; if it is, the count is taken back and the request waits. Exclusive
 * side: {@link #close} first raises {@code closed} and then waits until all counters together are
 * zero. Both sides write before they read (atomic add, volatile store: full fences), so one of them
 * always sees the other. No lock is shared by requests while the gate is open.
 *
 * <p>There are two ways in. {@link #enter} is for what changes data or maps. {@link #enterSteady}
 * is for reads and flushes, which a take has no quarrel with: {@link #shut} holds up the first
 * alone and waits for it alone, so that no take waits for a slow read or an fdatasync. {@link
 * #close} is for those who change what is behind the gate, and keeps out both.
 *
 * <p>Who waits inside for a slow storage is sent away while the gate is barred ({@code sendAway}):
 * such a request leaves, waits at the gate like the others, and comes again. So no closing depends
 * on the storage.
 *
 * <p>The exclusive side belongs to nobody's thread: a hot swap closes the gate in one thread and
 * opens it in another. The permit says who may close; {@link #open} gives it back. All waits are
 * bounded.
 *
 * <p>Left out on purpose: fairness and re-entrance. A request holds the shared side once.
 */
public final class Gate {
  /** Longest a request waits at a closed gate before it fails with ESHUTDOWN. */
  static final Duration REQUEST_WAIT = Duration.ofSeconds(60);

  private static final int STRIPES = 16;
  private static final int STRIDE = 16;
  private static final long SPIN_NANOS = 50_000;
  private static final long PARK_NANOS = 20_000;

  /** Between leaving and coming again, for who was sent away. */
  static final long COME_AGAIN_NANOS = 1_000_000;

  private final String name;

  /** Counts of {@link #enter} in the first half, of {@link #enterSteady} in the second. */
  private final AtomicLongArray inside = new AtomicLongArray(2 * STRIPES * STRIDE);

  private final Semaphore exclusive = new Semaphore(1, true);
  private final ReentrantLock waiting = new ReentrantLock();
  private final Condition opened = waiting.newCondition();

  /** Sends away who waits inside for something that may be slow: they come again. */
  private final Runnable sendAway;

  /** Nobody enters. Written only by the holder of the permit. */
  private volatile boolean closed;

  /** Nobody enters, not even a steady request; closed too then. */
  private volatile boolean sealed;

  @GuardedBy("waiting")
  private long closedAt;

  @GuardedBy("waiting")
  private GateStatistics statistics = GateStatistics.NONE;

  Gate(String name) {
    this(name, () -> {});
  }

  /**
   * {@code sendAway} is called again and again while the gate is barred and somebody is inside. It
   * must cost nothing where nobody waits.
   */
  Gate(String name, Runnable sendAway) {
    this.name = name;
    this.sendAway = sendAway;
  }

  /**
   * Enters the shared side with a change; the answer goes to {@link #exit}. EAGAIN: closed and
   * {@code noWait}. ESHUTDOWN: closed for too long.
   */
  int enter(boolean noWait) throws BlksnapException {
    int stripe = stripe();
    long deadline = 0;
    for (; ; ) {
      inside.getAndIncrement(stripe);
      if (!closed) {
        return stripe;
      }
      inside.getAndDecrement(stripe);
      if (noWait) {
        throw new BlksnapException(
            Errno.EAGAIN, name + " is held for a moment, and the request must not wait; repeat it");
      }
      deadline = deadline == 0 ? System.nanoTime() + REQUEST_WAIT.toNanos() : deadline;
      awaitOpen(deadline, false);
    }
  }

  /**
   * Enters the shared side with a read or a flush; the answer goes to {@link #exit}. ESHUTDOWN:
   * closed for too long.
   */
  int enterSteady() throws BlksnapException {
    int stripe = STRIPES * STRIDE + stripe();
    long deadline = 0;
    for (; ; ) {
      inside.getAndIncrement(stripe);
      if (!sealed) {
        return stripe;
      }
      inside.getAndDecrement(stripe);
      deadline = deadline == 0 ? System.nanoTime() + REQUEST_WAIT.toNanos() : deadline;
      awaitOpen(deadline, true);
    }
  }

  private static int stripe() {
    return ((int) Thread.currentThread().getId() & (STRIPES - 1)) * STRIDE;
  }

  void exit(int ticket) {
    inside.getAndDecrement(ticket);
  }

  /**
   * For a request that was sent away and has left: a moment, as the gate may not be barred yet.
   * ESHUTDOWN at the deadline of {@link #comeAgainUntil}. {@code now} is the caller's reading of
   * {@link System#nanoTime}: a deadline the caller found to be ahead does not pass in between.
   */
  void beforeComingAgain(long deadline, long now) throws BlksnapException {
    if (deadline - now <= 0) {
      throw heldTooLong();
    }
    LockSupport.parkNanos(COME_AGAIN_NANOS);
  }

  /** How long a request that is sent away comes again. */
  static long comeAgainUntil() {
    return System.nanoTime() + REQUEST_WAIT.toNanos();
  }

  private BlksnapException heldTooLong() {
    return new BlksnapException(
        Errno.ESHUTDOWN,
        name
            + " has been held for "
            + REQUEST_WAIT.toSeconds()
            + " s; the request was given up. See blksnap:doctor");
  }

  private void awaitOpen(long deadline, boolean steady) throws BlksnapException {
    boolean interrupted = false;
    waiting.lock();
    try {
      while (steady ? sealed : closed) {
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          throw heldTooLong();
        }
        try {
          opened.awaitNanos(left);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      waiting.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Takes the exclusive side: no request is inside when it returns, and none comes in until {@link
   * #open}. ETIMEDOUT: not quiet within the bound; then the gate is open as before.
   */
  public void close(Duration bound) throws BlksnapException {
    long deadline = System.nanoTime() + bound.toNanos();
    bar(bound, true);
    try {
      awaitEmpty(deadline, bound);
    } catch (BlksnapException e) {
      open();
      throw e;
    }
  }

  /**
   * Takes the exclusive side against changes alone: none comes in any more, some may still be
   * inside until {@link #awaitEmpty} returns. Whoever closes several gates at once shuts all of
   * them before it waits for the first to empty: what is inside then has the processors for itself,
   * and the waits overlap. ETIMEDOUT: somebody else holds the exclusive side.
   */
  public void shut(Duration bound) throws BlksnapException {
    bar(bound, false);
  }

  /**
   * As {@link #shut}, against steady requests as well: what {@link #close} does before it waits.
   * ETIMEDOUT: somebody else holds the exclusive side.
   */
  public void seal(Duration bound) throws BlksnapException {
    bar(bound, true);
  }

  private void bar(Duration bound, boolean all) throws BlksnapException {
    acquirePermit(bound);
    waiting.lock();
    try {
      closedAt = System.nanoTime();
      sealed = all;
      closed = true;
    } finally {
      waiting.unlock();
    }
  }

  /** Waits for those inside; ETIMEDOUT at {@code deadline}, and the gate is still shut. */
  public void awaitEmpty(long deadline, Duration bound) throws BlksnapException {
    if (!awaitQuiet(deadline)) {
      throw new BlksnapException(
          Errno.ETIMEDOUT,
          name
              + ": requests under way did not end within "
              + bound.toMillis()
              + " ms; it goes on as before, try again");
    }
  }

  private void acquirePermit(Duration bound) throws BlksnapException {
    boolean got = false;
    try {
      got = exclusive.tryAcquire(bound.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BlksnapException(
          Errno.EINTR, name + ": interrupted while waiting for it to be free", e);
    }
    if (!got) {
      throw new BlksnapException(
          Errno.ETIMEDOUT,
          name
              + " is held by a take, a resize or a hot swap for more than "
              + bound.toMillis()
              + " ms");
    }
  }

  private boolean awaitQuiet(long deadline) {
    long spinUntil = System.nanoTime() + SPIN_NANOS;
    while (!quiet()) {
      sendAway.run();
      long now = System.nanoTime();
      if (now > deadline) {
        return quiet();
      }
      if (now < spinUntil) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(PARK_NANOS);
        // An interrupt makes every park return at once; the loop stays right and ends at the
        // deadline.
      }
    }
    return true;
  }

  /**
   * A request moves no count between stripes, so a sum of zero after closing means that nobody is
   * inside.
   */
  private boolean quiet() {
    int stripes = sealed ? 2 * STRIPES : STRIPES;
    for (int stripe = 0; stripe < stripes; stripe++) {
      if (inside.get(stripe * STRIDE) != 0) {
        return false;
      }
    }
    return true;
  }

  /** Gives the exclusive side back; called by whoever closed it, in any thread. */
  public void open() {
    waiting.lock();
    try {
      if (!closed) {
        return;
      }
      Duration held = Duration.ofNanos(System.nanoTime() - closedAt);
      statistics =
          new GateStatistics(
              statistics.closings() + 1,
              held,
              held.compareTo(statistics.maximum()) > 0 ? held : statistics.maximum(),
              statistics.total().plus(held));
      closed = false;
      sealed = false;
      opened.signalAll();
    } finally {
      waiting.unlock();
    }
    exclusive.release();
  }

  public boolean isClosed() {
    return closed;
  }

  GateStatistics statistics() {
    waiting.lock();
    try {
      return statistics;
    } finally {
      waiting.unlock();
    }
  }
}
