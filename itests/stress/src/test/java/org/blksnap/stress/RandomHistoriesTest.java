// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import org.blksnap.testkit.Difference;
import org.blksnap.testkit.History;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * R2: random histories against a plain model. {@code -Dsteps=} says how many in all ({@code
 * -Dpatience=0} lets them take their time), {@code -Dseed=} where to begin; each history has a seed
 * of its own, told with a difference.
 */
class RandomHistoriesTest {
  private static final int STEPS_OF_ONE = 1000;

  /** What is forgotten may have been done before, and one history may never see it. */
  private static final int HISTORIES_TO_FIND_A_BUG = 10;

  private static final History.Kind PLAIN = new History.Kind(3, 256 << 10, false, false);
  private static final History.Kind RESTARTS = new History.Kind(2, 256 << 10, true, false);
  private static final History.Kind WRAPS = new History.Kind(2, 64 << 10, false, true);

  @TempDir Path directory;

  private void play(String name, History.Kind kind, int share) throws Exception {
    long first = Long.getLong("seed", System.nanoTime());
    int steps = Integer.getInteger("steps", 25_000) * share / 100;
    System.out.println(name + " -Dseed=" + first + ", " + steps + " steps");
    for (int played = 0; played < steps; played += STEPS_OF_ONE) {
      long seed = first + played / STEPS_OF_ONE;
      Path root = directory.resolve("history-" + seed);
      History.play(
          seed, Math.min(STEPS_OF_ONE, steps - played), kind, EngineSubject.withHotState(root));
    }
  }

  @Test
  void withoutRestarts() throws Exception {
    play("withoutRestarts", PLAIN, 60);
  }

  @Test
  void withRestartsAndKills() throws Exception {
    play("withRestartsAndKills", RESTARTS, 35);
  }

  @Test
  void overTheWrapOfTheChangeNumber() throws Exception {
    play("overTheWrapOfTheChangeNumber", WRAPS, 5);
  }

  /** The histories are worth something only if they find what is wrong. */
  @ParameterizedTest
  @ValueSource(
      strings = {"Tracker.mark", "Tracker.markBoth", "DiffArea.preserve", "DiffStorage.write"})
  void aPlantedBugIsFound(String forgotten) throws Exception {
    assertThrows(
        Difference.class,
        () -> {
          for (int seed = 4711; seed < 4711 + HISTORIES_TO_FIND_A_BUG; seed++) {
            EngineSubject subject = new EngineSubject(directory.resolve("planted-" + seed));
            subject.plan().forget(forgotten, 10);
            History.play(seed, 5000, PLAIN, subject);
          }
        });
  }
}
