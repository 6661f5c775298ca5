// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.blksnap.api.snapshot.SnapshotParticipant;
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
        new Participants(() -> List.of(recorders), Housekeeper.threads("test"));
    List<String> problems = new ArrayList<>();
    var asked = participants.before(ID, List.of("d"), problems);
    participants.after(asked, ID, List.of("d"), true, problems);
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
}
