// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.enginebase.thread.DaemonThreads;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ParticipantsTest {
  private static final UUID ID = new UUID(1, 2);

  private static final class Recorder implements SnapshotParticipant {
    final List<String> calls = new ArrayList<>();
    final boolean fails;
    final CountDownLatch hang;

    Recorder(boolean fails, CountDownLatch hang) {
      this.fails = fails;
      this.hang = hang;
    }

    @Override
    public String participantName() {
      return "database";
    }

    @Override
    public Duration deadline() {
      return Duration.ofMillis(hang == null ? 5000 : 50);
    }

    @Override
    public synchronized void beforeTake(UUID snapshot, List<String> devices) throws Exception {
      calls.add("before " + devices);
      if (fails) {
        throw new IllegalStateException("no");
      }
      if (hang != null) {
        hang.await();
      }
    }

    @Override
    public synchronized void afterTake(UUID snapshot, List<String> devices, boolean taken) {
      calls.add("after " + taken);
    }
  }

  private static List<String> run(Recorder... recorders) {
    Participants participants =
        new Participants(() -> List.of(recorders), DaemonThreads.named("test"));
    List<String> problems = new ArrayList<>();
    participants.after(participants.before(ID, List.of("d"), problems), true, problems);
    return problems;
  }

  @Test
  void askedBeforeAndToldAfter() {
    Recorder recorder = new Recorder(false, null);
    assertTrue(run(recorder).isEmpty());
    assertEquals(List.of("before [d]", "after true"), recorder.calls);
  }

  @Test
  void oneThatFailsIsNamedAndStillToldAfter() {
    Recorder recorder = new Recorder(true, null);
    List<String> problems = run(recorder);
    assertEquals(1, problems.size());
    assertTrue(
        problems.get(0).contains("database") && problems.get(0).contains("failed"),
        problems.get(0));
    assertEquals(List.of("before [d]", "after true"), recorder.calls);
  }

  @Test
  void oneThatHangsIsGivenUpAtItsDeadline() {
    List<String> problems = run(new Recorder(false, new CountDownLatch(1)));
    assertTrue(problems.get(0).contains("did not answer within 50 ms"), problems.toString());
  }

  /** Everything of a participant may be wrong. */
  private abstract static class Odd implements SnapshotParticipant {
    final List<String> calls = java.util.Collections.synchronizedList(new ArrayList<>());

    @Override
    public void beforeTake(UUID snapshot, List<String> devices) throws Exception {
      calls.add("before");
    }

    @Override
    public void afterTake(UUID snapshot, List<String> devices, boolean taken) throws Exception {
      calls.add("after");
    }
  }

  private final List<SnapshotParticipant> registered = new ArrayList<>();
  private final AtomicInteger threads = new AtomicInteger();
  private final ThreadFactory daemons = DaemonThreads.named("test");
  private final Participants participants =
      new Participants(
          () -> List.copyOf(registered),
          work -> {
            threads.incrementAndGet();
            return daemons.newThread(work);
          });

  private List<String> round() {
    List<String> problems = new ArrayList<>();
    participants.after(participants.before(ID, List.of("d"), problems), true, problems);
    return problems;
  }

  @Test
  void aDeadlineThatMakesNoSenseIsTheUsualOne() {
    for (Duration odd :
        new Duration[] {
          null, Duration.ZERO, Duration.ofSeconds(-1), Duration.ofSeconds(Long.MAX_VALUE)
        }) {
      Odd participant =
          new Odd() {
            @Override
            public String participantName() {
              return null;
            }

            @Override
            public Duration deadline() {
              return odd;
            }
          };
      registered.add(participant);
      assertEquals(List.of(), round(), "deadline " + odd);
      assertEquals(List.of("before", "after"), participant.calls);
      registered.clear();
    }
  }

  @Test
  void anErrorInItsNameOrDeadlineStopsNoTake() {
    Odd participant =
        new Odd() {
          @Override
          public String participantName() {
            throw new NoClassDefFoundError("thrown by the test");
          }

          @Override
          public Duration deadline() {
            throw new StackOverflowError("thrown by the test");
          }
        };
    registered.add(participant);
    assertEquals(List.of(), round());
    assertEquals(List.of("before", "after"), participant.calls);
  }

  @Test
  void anErrorWhoseWordsThrowIsStillASentence() {
    registered.add(
        new Odd() {
          @Override
          public String participantName() {
            return "odd";
          }

          @Override
          public void beforeTake(UUID snapshot, List<String> devices) {
            throw new Error() {
              @Override
              public String toString() {
                throw new IllegalStateException("thrown by the test");
              }
            };
          }
        });
    List<String> problems = round();
    assertTrue(problems.get(0).contains("participant odd failed"), problems.toString());
  }

  @Test
  void oneThatHangsOverItsNameIsNeverAsked() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    Odd participant =
        new Odd() {
          @Override
          public String participantName() {
            awaitIgnoringInterrupts(release);
            over.countDown();
            return "late";
          }
        };
    registered.add(participant);
    List<String> problems = round();
    assertTrue(problems.get(0).contains("did not say its name"), problems.toString());
    release.countDown();
    over.await();
    while (!participants.findings().isEmpty()) {
      Thread.sleep(1);
    }
    assertEquals(List.of(), participant.calls, "the take it was to be asked for is long over");
  }

  @Test
  void oneThatHangsCostsOneThreadAndIsAFindingUntilItsCallReturns() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    Odd participant =
        new Odd() {
          @Override
          public String participantName() {
            return "hanging";
          }

          @Override
          public Duration deadline() {
            return Duration.ofMillis(50);
          }

          @Override
          public void beforeTake(UUID snapshot, List<String> devices) {
            awaitIgnoringInterrupts(release);
          }

          @Override
          public void afterTake(UUID snapshot, List<String> devices, boolean taken) {
            told.countDown();
          }
        };
    registered.add(participant);
    round();
    for (int take = 0; take < 5; take++) {
      List<String> problems = round();
      assertTrue(problems.get(0).contains("hanging is set aside"), problems.toString());
    }
    assertEquals(1, threads.get());
    assertTrue(
        participants.findings().get(0).observation().contains("beforeTake"),
        participants.findings().toString());
    release.countDown();
    told.await();
    while (!participants.findings().isEmpty()) {
      Thread.sleep(1);
    }
    assertEquals(List.of(), round());
  }

  @Test
  void oneThatHangsIsForgottenWhenItIsRegisteredNoMore() {
    CountDownLatch release = new CountDownLatch(1);
    registered.add(new Recorder(false, null));
    registered.add(
        new Odd() {
          @Override
          public String participantName() {
            return "hanging";
          }

          @Override
          public Duration deadline() {
            return Duration.ofMillis(50);
          }

          @Override
          public void beforeTake(UUID snapshot, List<String> devices) {
            awaitIgnoringInterrupts(release);
          }
        });
    round();
    assertEquals(1, participants.findings().size());
    registered.remove(1);
    assertEquals(List.of(), participants.findings());
    assertEquals(List.of(), round());
    release.countDown();
  }

  private static void awaitIgnoringInterrupts(CountDownLatch latch) {
    while (true) {
      try {
        latch.await();
        return;
      } catch (InterruptedException e) {
        // as one that waits for a lock would
      }
    }
  }
}
