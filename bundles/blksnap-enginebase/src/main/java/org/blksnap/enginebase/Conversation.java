// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.snapshot.SnapshotParticipant;

/**
 * One participant and one take. Every line of the participant's own code, its name and its deadline
 * among them, runs in the one thread of this conversation; the take waits for that thread for a
 * bounded time, and is told nothing but words.
 *
 * <pre>
 * introducing ──► holding ──► held ──outcome──► told ──► ended
 *      │             │                                     ▲
 *      └── given up ─┴── the call returns late ────────────┘
 * </pre>
 *
 * <p>Invariant: {@code afterTake} is called once for each {@code beforeTake} begun, in the same
 * thread, after it has returned, be it late. A participant that was given up before {@code
 * beforeTake} began is not asked any more. Monitor: the step and the words of this object.
 */
final class Conversation implements Runnable {
  /** Longest deadline granted to one call. */
  static final Duration LONGEST = Duration.ofSeconds(60);

  /** Longest time a participant may take for its name and its deadline. */
  static final Duration INTRODUCTION = Duration.ofSeconds(1);

  /** Granted where the participant names no deadline, or one that makes no sense. */
  static final Duration USUAL = Duration.ofSeconds(10);

  /** Where the thread is. */
  private enum Step {
    INTRODUCING("saying its name and its deadline"),
    HOLDING("beforeTake"),
    HELD("waiting for the take"),
    TOLD("afterTake"),
    ENDED("done");

    private final String text;

    Step(String text) {
      this.text = text;
    }
  }

  private final SnapshotParticipant participant;
  private final UUID snapshot;
  private final List<String> devices;
  private final Thread thread;
  private final CountDownLatch introduced = new CountDownLatch(1);
  private final CountDownLatch held = new CountDownLatch(1);
  private final CountDownLatch outcome = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final long begun = System.nanoTime();

  @GuardedBy("this")
  private Step step = Step.INTRODUCING;

  @GuardedBy("this")
  private boolean givenUp;

  @GuardedBy("this")
  private String name;

  @GuardedBy("this")
  private Duration granted = USUAL;

  @GuardedBy("this")
  private Throwable failure;

  @GuardedBy("this")
  private boolean taken;

  Conversation(
      SnapshotParticipant participant, UUID snapshot, List<String> devices, ThreadFactory threads) {
    this.participant = participant;
    this.snapshot = snapshot;
    this.devices = devices;
    this.name = participant.getClass().getName();
    this.thread = threads.newThread(this);
  }

  void start() {
    thread.start();
  }

  @Override
  public void run() {
    try {
      introduce();
      if (!enter(Step.HOLDING)) {
        return;
      }
      attempt(() -> participant.beforeTake(snapshot, devices));
      enter(Step.HELD);
      held.countDown();
      awaitOutcome();
      enter(Step.TOLD);
      boolean now = wasTaken();
      attempt(() -> participant.afterTake(snapshot, devices, now));
    } finally {
      introduced.countDown();
      held.countDown();
      end();
      ended.countDown();
    }
  }

  private void introduce() {
    try {
      String given = participant.participantName();
      if (given != null && !given.isBlank()) {
        named(given);
      }
    } catch (Throwable t) {
      // its class is its name then
    }
    try {
      grant(participant.deadline());
    } catch (Throwable t) {
      // it has the usual time
    }
    introduced.countDown();
  }

  private synchronized void named(String given) {
    name = given;
  }

  private synchronized void grant(Duration wanted) {
    if (wanted != null && !wanted.isNegative() && !wanted.isZero()) {
      granted = wanted.compareTo(LONGEST) > 0 ? LONGEST : wanted;
    }
  }

  /** False where the take does not wait any more and the participant was not asked yet. */
  private synchronized boolean enter(Step next) {
    if (givenUp && next == Step.HOLDING) {
      return false;
    }
    step = next;
    return true;
  }

  private synchronized void end() {
    step = Step.ENDED;
  }

  /** A part of the participant's own code. */
  private interface Call {
    void run() throws Exception;
  }

  private void attempt(Call call) {
    Throwable thrown = null;
    try {
      call.run();
    } catch (Throwable t) {
      thrown = t;
    }
    synchronized (this) {
      failure = thrown;
    }
  }

  /** The take always says how it ended, so this wait needs no bound of its own. */
  private void awaitOutcome() {
    while (true) {
      try {
        outcome.await();
        return;
      } catch (InterruptedException e) {
        // a late one was interrupted, or it interrupts itself; neither ends the conversation
      }
    }
  }

  private synchronized boolean wasTaken() {
    return taken;
  }

  synchronized String name() {
    return name;
  }

  private synchronized Duration granted() {
    return granted;
  }

  /** Waits until the participant holds still: null, or what went wrong. */
  String awaitHeld() {
    try {
      if (!within(introduced, INTRODUCTION)) {
        giveUp();
        return "did not say its name and deadline within " + INTRODUCTION.toMillis() + " ms";
      }
      Duration bound = granted();
      if (!within(held, bound)) {
        giveUp();
        return "did not answer within " + bound.toMillis() + " ms";
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      giveUp();
      return "was not waited for: the take was interrupted";
    }
    return failed();
  }

  private boolean within(CountDownLatch latch, Duration bound) throws InterruptedException {
    long left = begun + bound.toNanos() - System.nanoTime();
    return latch.await(Math.max(0, left), TimeUnit.NANOSECONDS);
  }

  /** The take goes on without it. */
  private synchronized void giveUp() {
    givenUp = true;
    thread.interrupt();
  }

  /** Says how the take ended; does not wait. */
  void tell(boolean snapshotExists) {
    synchronized (this) {
      taken = snapshotExists;
    }
    outcome.countDown();
  }

  /** Waits for the end, unless the participant was late before: null, or what went wrong. */
  String awaitEnd() {
    Duration bound;
    synchronized (this) {
      if (givenUp) {
        return null;
      }
      bound = granted;
    }
    try {
      if (!ended.await(bound.toNanos(), TimeUnit.NANOSECONDS)) {
        giveUp();
        return "did not answer within " + bound.toMillis() + " ms";
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      giveUp();
      return "was not waited for: the take was interrupted";
    }
    return failed();
  }

  private synchronized String failed() {
    return failure == null ? null : "failed (" + words(failure) + ")";
  }

  /** What was thrown is the participant's own code too. */
  private static String words(Throwable thrown) {
    try {
      return thrown.toString();
    } catch (Throwable t) {
      return thrown.getClass().getName();
    }
  }

  boolean hasEnded() {
    return ended.getCount() == 0;
  }

  /** For the doctor: where it hangs, and for how long. */
  synchronized String whereabouts() {
    return "it has not returned from "
        + step.text
        + "; the take that asked it began "
        + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun)
        + " s ago";
  }
}
