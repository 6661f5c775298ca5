// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.blksnap.api.snapshot.SnapshotParticipant;

/**
 * Asks the participants before a take and tells them after it: all at once, each in a thread of its
 * own, each until its deadline. One that throws or is late becomes a sentence in the report; it
 * never stops the take.
 */
final class Participants {
  /** Longest deadline granted to one call. */
  static final Duration LONGEST = Duration.ofSeconds(60);

  private final Supplier<List<SnapshotParticipant>> registered;
  private final ThreadFactory threads;

  Participants(Supplier<List<SnapshotParticipant>> registered, ThreadFactory threads) {
    this.registered = registered;
    this.threads = threads;
  }

  /** One participant's call. */
  private interface Call {
    void on(SnapshotParticipant participant) throws Exception;
  }

  /**
   * Asks all; the answer is who was asked, and {@code problems} gets a sentence for each that
   * failed or was late.
   */
  List<SnapshotParticipant> before(UUID snapshot, List<String> devices, List<String> problems) {
    List<SnapshotParticipant> asked = registered.get();
    problems.addAll(callAll("before the take", asked, p -> p.beforeTake(snapshot, devices)));
    return asked;
  }

  void after(
      List<SnapshotParticipant> asked,
      UUID snapshot,
      List<String> devices,
      boolean taken,
      List<String> problems) {
    problems.addAll(callAll("after the take", asked, p -> p.afterTake(snapshot, devices, taken)));
  }

  private List<String> callAll(String when, List<SnapshotParticipant> participants, Call call) {
    List<Running> running = new ArrayList<>();
    for (SnapshotParticipant participant : participants) {
      running.add(new Running(participant, call));
    }
    List<String> problems = new ArrayList<>();
    for (Running one : running) {
      String problem = one.await();
      if (problem != null) {
        problems.add("participant " + one.name + " " + problem + " " + when);
      }
    }
    return problems;
  }

  private final class Running {
    final String name;
    private final CountDownLatch done = new CountDownLatch(1);
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final Thread thread;
    private final long deadline;
    private final Duration granted;

    Running(SnapshotParticipant participant, Call call) {
      String asked;
      Duration wanted;
      try {
        asked = participant.participantName();
        wanted = participant.deadline();
      } catch (RuntimeException e) {
        asked = participant.getClass().getName();
        wanted = Duration.ofSeconds(1);
      }
      name = asked;
      granted = wanted.compareTo(LONGEST) > 0 ? LONGEST : wanted;
      deadline = System.nanoTime() + granted.toNanos();
      thread =
          threads.newThread(
              () -> {
                try {
                  call.on(participant);
                } catch (Throwable t) {
                  failure.set(t);
                } finally {
                  done.countDown();
                }
              });
      thread.start();
    }

    /** Null, or what went wrong. */
    String await() {
      try {
        if (!done.await(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)) {
          thread.interrupt();
          return "did not answer within " + granted.toMillis() + " ms";
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        thread.interrupt();
        return "was not waited for: the take was interrupted";
      }
      Throwable thrown = failure.get();
      return thrown == null ? null : "failed (" + thrown + ")";
    }
  }
}
