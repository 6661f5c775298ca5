// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Examined;
import org.blksnap.api.health.Examined.Outcome;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ExaminerTest {
  private static final Duration SHORT = Duration.ofMillis(100);

  private final Examiner examiner = new Examiner();
  private final CountDownLatch release = new CountDownLatch(1);

  @AfterEach
  void letGo() {
    release.countDown();
  }

  /** An examination made of what its methods do. */
  private record Foreign(
      Callable<String> name, Callable<Duration> bound, Callable<List<Finding>> answer)
      implements Examination {
    @Override
    public String subject() {
      return call(name);
    }

    @Override
    public Duration deadline() {
      return call(bound);
    }

    @Override
    public List<Finding> examine() {
      return call(answer);
    }

    private static <T> T call(Callable<T> does) {
      try {
        return does.call();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static Foreign within(Duration bound, Callable<List<Finding>> answer) {
    return new Foreign(() -> "host", () -> bound, answer);
  }

  /** As one that waits for a lock would, whatever interrupts it. */
  private <T> T hang(T then) {
    while (release.getCount() > 0) {
      try {
        release.await();
      } catch (InterruptedException e) {
        Thread.yield();
      }
    }
    return then;
  }

  private Examined ask(Examination examination) {
    return examiner.ask(List.of(examination)).get(0);
  }

  private static void assertError(Outcome outcome, String seen, Examined examined) {
    assertEquals(outcome, examined.outcome(), examined.toString());
    assertEquals(1, examined.findings().size());
    assertEquals(Severity.ERROR, examined.worst());
    assertEquals(examined.subject(), examined.findings().get(0).subject());
    String observation = examined.findings().get(0).observation();
    assertTrue(observation.contains(seen), observation);
  }

  @Test
  void whatItSaysIsAnsweredInItsPlace() {
    Finding note = new Finding(Severity.NOTE, "host", "seen", "do");
    List<Examined> answers =
        examiner.ask(
            List.of(within(SHORT, List::of), within(Duration.ofHours(9), () -> List.of(note))));
    assertEquals(Outcome.ANSWERED, answers.get(1).outcome());
    assertEquals("host", answers.get(1).subject());
    assertEquals(List.of(note), answers.get(1).findings());
    assertEquals(List.of(), answers.get(0).findings());
    assertEquals(Severity.OK, answers.get(0).worst());
  }

  @Test
  void allAreAskedAtTheSameTime() {
    CyclicBarrier together = new CyclicBarrier(5);
    Callable<List<Finding>> meets =
        () -> {
          together.await();
          return List.of();
        };
    List<Foreign> all =
        Stream.generate(() -> within(Duration.ofSeconds(30), meets)).limit(5).toList();
    examiner.ask(all).forEach(answer -> assertEquals(Outcome.ANSWERED, answer.outcome()));
  }

  @Test
  void whatThrowsIsAFindingWhereverItThrows() {
    Callable<String> broken =
        () -> {
          throw new IllegalStateException("broken");
        };
    assertError(
        Outcome.FAILED,
        "broken",
        ask(
            within(
                SHORT,
                () -> {
                  throw new NoClassDefFoundError("broken");
                })));
    Examined nameless = ask(new Foreign(broken, () -> SHORT, List::of));
    assertError(Outcome.FAILED, "java.lang.IllegalStateException: broken", nameless);
    assertEquals("Foreign", nameless.subject());
    Callable<Duration> unbounded =
        () -> {
          throw new IllegalStateException("no bound");
        };
    assertError(Outcome.FAILED, "no bound", ask(new Foreign(() -> "host", unbounded, List::of)));
  }

  @Test
  void whatThrowsEvenWhenAskedForItsWordsIsAFinding() {
    assertError(
        Outcome.FAILED,
        "ExaminerTest",
        ask(
            within(
                SHORT,
                () -> {
                  throw new IllegalStateException() {
                    @Override
                    public String toString() {
                      throw new IllegalStateException();
                    }
                  };
                })));
  }

  @Test
  void anAnswerOfNoUseIsAFinding() {
    for (Foreign useless :
        List.of(
            within(SHORT, () -> null),
            within(SHORT, () -> Arrays.asList((Finding) null)),
            within(SHORT, () -> List.of(new Finding(null, "host", "seen", ""))),
            within(null, List::of),
            new Foreign(() -> null, () -> SHORT, List::of))) {
      assertError(Outcome.FAILED, "NullPointerException", ask(useless));
    }
  }

  @Test
  void whatHangsIsLateAtItsDeadlineAndHoldsUpNobodyElse() {
    List<Examined> answers =
        examiner.ask(
            List.of(
                within(SHORT, () -> hang(List.of())),
                within(Duration.ofSeconds(30), List::of),
                new Foreign(() -> hang("never"), () -> SHORT, List::of),
                new Foreign(() -> "host", () -> hang(SHORT), List::of)));
    assertError(Outcome.LATE, "no answer within 100 ms", answers.get(0));
    assertEquals(Outcome.ANSWERED, answers.get(1).outcome());
    assertError(Outcome.LATE, "no answer within 1000 ms", answers.get(2));
    assertEquals("Foreign", answers.get(2).subject());
    assertError(Outcome.LATE, "no answer within 1000 ms", answers.get(3));
  }

  @Test
  void whatIsLateIsInterrupted() throws Exception {
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    ask(
        within(
            SHORT,
            () -> {
              try {
                release.await();
              } catch (InterruptedException e) {
                interrupted.complete(true);
              }
              return List.of();
            }));
    assertTrue(interrupted.get(30, TimeUnit.SECONDS));
  }

  @Test
  void whatHangsCostsOneThreadHoweverOftenItIsAskedFor() {
    AtomicInteger calls = new AtomicInteger();
    Foreign hanging =
        within(
            SHORT,
            () -> {
              calls.incrementAndGet();
              return hang(List.of());
            });
    assertError(Outcome.LATE, "no answer within", ask(hanging));
    for (int again = 0; again < 3; again++) {
      assertError(Outcome.LATE, "it is not asked again", ask(hanging));
    }
    assertEquals(1, calls.get());
    release.countDown();
    while (ask(hanging).outcome() == Outcome.LATE) {
      Thread.onSpinWait();
    }
    assertEquals(2, calls.get());
  }

  @Test
  void callersOfTheSameTimeShareOneAnswer() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    Foreign slow =
        within(
            Duration.ofSeconds(30),
            () -> {
              calls.incrementAndGet();
              return hang(List.of());
            });
    CompletableFuture<Examined> first = new CompletableFuture<>();
    CompletableFuture<Examined> second = new CompletableFuture<>();
    Thread one = new Thread(() -> first.complete(ask(slow)));
    one.start();
    while (calls.get() == 0) {
      Thread.onSpinWait();
    }
    Thread two = new Thread(() -> second.complete(ask(slow)));
    two.start();
    while (two.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    release.countDown();
    assertSame(first.get(30, TimeUnit.SECONDS), second.get(30, TimeUnit.SECONDS));
    assertEquals(1, calls.get());
    one.join();
    two.join();
  }

  @Test
  void anInterruptedCallerLeavesAtOnceAndStaysInterrupted() {
    Thread.currentThread().interrupt();
    List<Examined> answers =
        examiner.ask(Collections.nCopies(1, within(Duration.ofSeconds(30), () -> hang(List.of()))));
    assertTrue(Thread.interrupted());
    assertError(Outcome.LATE, "interrupted", answers.get(0));
  }
}
