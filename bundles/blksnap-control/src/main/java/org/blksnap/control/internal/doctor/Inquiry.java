// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Examined;
import org.blksnap.api.health.Examined.Outcome;
import org.blksnap.api.health.Finding;

/**
 * One examination being asked, in a thread of its own.
 *
 * <p>States: asked for its description → examined → answered. From the first two also failed, and
 * late, when {@link Examination#DESCRIPTION_WAIT} or the deadline is over. The future's completion
 * decides, once; what the thread does afterwards counts for nothing. The JDK's timer sees to the
 * bounds, so they hold whether or not anybody still waits.
 */
final class Inquiry {
  /**
   * The bounds of both steps; without them only where the machine is short of memory or threads.
   */
  private static final Duration LONGEST_WAIT =
      Examination.DESCRIPTION_WAIT.plus(Examination.LONGEST_DEADLINE);

  private final Examination examination;
  private final Runnable returned;
  private final Thread thread;
  private final long begun = System.nanoTime();
  private final CompletableFuture<Examined> answer = new CompletableFuture<>();

  /** The class's name, until the examination has said its own. */
  private volatile String subject;

  /**
   * @param returned called when the thread has left the examination, before the answer is there;
   *     also where no thread is to be had
   */
  Inquiry(Examination examination, Runnable returned) {
    this.examination = examination;
    this.returned = returned;
    this.subject = examination.getClass().getSimpleName();
    this.thread = new Thread(this::run, "blksnap-doctor-" + subject);
    thread.setDaemon(true);
  }

  void start() {
    try {
      thread.start();
    } catch (Error e) {
      returned.run();
      answer.complete(unanswered(Outcome.FAILED, "it could not be asked: " + e));
    }
  }

  /** Whether it was given up, for one that has not returned. */
  boolean isLate() {
    return answer.isDone();
  }

  /** What came of it, as soon as it is known; of an interrupted caller what is known by now. */
  Examined await() {
    try {
      return answer.get(LONGEST_WAIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return answer.getNow(unanswered(Outcome.LATE, "interrupted"));
    } catch (ExecutionException | TimeoutException e) {
      giveUp("no answer: " + e);
      return answer.join();
    }
  }

  /** What is told to one who asks while this one is late. */
  Examined askedAgain() {
    return unanswered(Outcome.LATE, "still no answer from an earlier call; it is not asked again");
  }

  /** Whoever asks next asks anew: told before the answer is there that may make somebody ask. */
  private void run() {
    Examined examined = null;
    try {
      Duration granted = describe();
      if (!answer.isDone()) {
        examined = examine(granted);
      }
    } catch (Throwable t) {
      examined = unanswered(Outcome.FAILED, words(t));
    } finally {
      returned.run();
    }
    answer.complete(examined);
  }

  /** Answers the deadline granted. */
  private Duration describe() {
    CompletableFuture<Void> description = bounded(Examination.DESCRIPTION_WAIT);
    String said = examination.subject().strip();
    Duration wanted = examination.deadline();
    description.complete(null);
    if (!said.isEmpty()) {
      subject = said;
      thread.setName("blksnap-doctor-" + said);
    }
    return wanted.compareTo(Examination.LONGEST_DEADLINE) > 0
        ? Examination.LONGEST_DEADLINE
        : wanted;
  }

  private Examined examine(Duration granted) {
    CompletableFuture<Void> step = bounded(granted);
    List<Finding> findings = examination.examine();
    step.complete(null);
    return new Examined(subject, Outcome.ANSWERED, took(), findings);
  }

  /** A step of this inquiry, which is given up where the step is not complete within the bound. */
  private CompletableFuture<Void> bounded(Duration bound) {
    CompletableFuture<Void> step = new CompletableFuture<>();
    step.orTimeout(bound.toMillis(), TimeUnit.MILLISECONDS)
        .whenComplete(
            (done, late) -> {
              if (late != null) {
                giveUp("no answer within " + bound.toMillis() + " ms");
              }
            });
    return step;
  }

  private void giveUp(String why) {
    if (answer.complete(unanswered(Outcome.LATE, why))) {
      thread.interrupt();
    }
  }

  private Examined unanswered(Outcome outcome, String why) {
    return new Examined(
        subject, outcome, took(), List.of(Findings.error(subject, why, Findings.LIST_BUNDLES)));
  }

  private Duration took() {
    return Duration.ofNanos(System.nanoTime() - begun);
  }

  /** What foreign code throws may throw again when it is asked for its words. */
  private static String words(Throwable thrown) {
    try {
      return String.valueOf(thrown.toString());
    } catch (Throwable t) {
      return thrown.getClass().getName();
    }
  }
}
