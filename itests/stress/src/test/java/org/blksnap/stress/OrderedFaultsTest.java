// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.blksnap.api.block.Errno;
import org.blksnap.testkit.Difference;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * R3: each call to a device, a storage, a tracker or a copy-on-write engine fails in its turn, at
 * every step of a take and of the writes behind it.
 */
class OrderedFaultsTest {
  /** Turns of one call that are tried; of more, every n-th. */
  private static final int TURNS = 25;

  /** By its contract it corrupts its area and returns, so its failing would be another fault. */
  private static final String NEVER_FAILS = "DiffArea.preserve";

  @TempDir Path directory;
  private int scenarios;

  private Map<String, Long> callsWithoutFault() throws IOException {
    FaultScenario scenario = new FaultScenario(directory.resolve("counted"));
    try (var subject = scenario.subject()) {
      scenario.prepare();
      scenario.play();
      return subject.plan().counts();
    }
  }

  /** Calls that declare a failure, so one has to come; others of the plan may not. */
  private static final Set<String> MUST_FAIL =
      Set.of(
          "RawDevice.read",
          "RawDevice.write",
          "DiffStorage.allocate",
          "DiffStorage.write",
          "DiffStorage.read",
          "ChunkEngine.create",
          "Tracker.prepareTake");

  @TestFactory
  List<DynamicTest> everyCallFailsInItsTurn() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    Map<String, Long> calls = callsWithoutFault();
    calls.remove(NEVER_FAILS);
    calls.forEach(
        (call, count) ->
            tests.add(
                DynamicTest.dynamicTest(
                    call,
                    () -> {
                      int fired = fail(call, count, Errno.EIO);
                      assertTrue(fired > 0 || !MUST_FAIL.contains(call), call + " never failed");
                    })));
    return tests;
  }

  @Test
  void aFullStorageAtEveryAllocation() throws IOException {
    long count = callsWithoutFault().get("DiffStorage.allocate");
    assertTrue(fail("DiffStorage.allocate", count, Errno.ENOSPC) > 0);
  }

  /** How many of the failures came. */
  private int fail(String call, long count, Errno errno) throws IOException {
    int fired = 0;
    long stride = Math.max(1, count / TURNS);
    for (long turn = 0; turn < count; turn += stride) {
      FaultScenario scenario = new FaultScenario(directory.resolve("scenario-" + scenarios++));
      try (var subject = scenario.subject()) {
        scenario.prepare();
        subject.plan().fail(call, turn, errno);
        scenario.play();
        fired += subject.plan().fired() ? 1 : 0;
      } catch (IOException | AssertionError e) {
        throw new Difference(call + " " + turn + " failing with " + errno + ": " + e, e);
      }
      if (fired == 0) {
        return 0; // a call that declares no failure
      }
    }
    return fired;
  }
}
