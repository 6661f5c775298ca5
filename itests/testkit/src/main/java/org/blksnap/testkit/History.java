// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;

/**
 * A random life of an engine, played on the engine and on its model, compared after each step. The
 * same seed and number of steps is the same history.
 */
public final class History {
  /** Steps between two comparisons of everything; after the others, the device concerned. */
  static final int WHOLE_COMPARISON = 50;

  /** Steps told with a difference. */
  private static final int TRACE = 30;

  /** What may happen in it. */
  public record Kind(int devices, int largestCapacity, boolean restarts, boolean manyTakes) {}

  /** One thing that can happen; answers what it did, or null where it could not be done now. */
  interface Step {
    String run() throws Exception;
  }

  private record Choice(int weight, String name, Step step) {}

  private final long seed;
  private final Random random;
  private final Scene scene;
  private final List<Choice> choices = new ArrayList<>();
  private final Deque<String> trace = new ArrayDeque<>();
  private int weights;

  private History(long seed, Kind kind, Subject subject) {
    this.seed = seed;
    this.random = new Random(seed);
    this.scene = new Scene(random, kind, subject);
    DataSteps data = new DataSteps(scene);
    SnapshotSteps snapshots = new SnapshotSteps(scene);
    DeviceSteps devices = new DeviceSteps(scene);
    choice(300, "write", data::write);
    choice(40, "write zeroes", data::writeZeroes);
    choice(40, "discard", data::discard);
    choice(20, "request outside", data::outside);
    choice(80, "read", data::read);
    choice(80, "image write", data::writeImage);
    choice(25, "image write zeroes", data::zeroImage);
    choice(80, "image read", data::readImage);
    choice(40, "changes", data::changedSince);
    choice(20, "mark dirty", data::markDirty);
    choice(20, "settle", snapshots::settle);
    choice(25, "create", snapshots::create);
    choice(40, "add", snapshots::add);
    choice(40, "append storage", snapshots::append);
    choice(40, "take", snapshots::take);
    choice(12, "destroy", snapshots::destroy);
    choice(10, "unknown snapshot", snapshots::unknown);
    choice(10, "parameters", snapshots::parameters);
    choice(6, "resize", devices::resize);
    choice(6, "detach", devices::detach);
    choice(1, "restart changes", devices::restartChanges);
    if (kind.restarts()) {
      choice(4, "restart", devices::restart);
      choice(4, "restart as killed", devices::restartAsKilled);
    }
    if (kind.manyTakes()) {
      choice(20, "many takes", snapshots::manyTakes);
    }
  }

  private void choice(int weight, String name, Step step) {
    choices.add(new Choice(weight, name, step));
    weights += weight;
  }

  /** Plays one history of so many steps, and closes the subject. */
  public static void play(long seed, int steps, Kind kind, Subject subject) throws Exception {
    History history = new History(seed, kind, subject);
    try (subject) {
      history.play(steps);
    }
  }

  private void play(int steps) {
    int step = 0;
    String name = "attach";
    try {
      scene.attachAll();
      for (; step < steps; step++) {
        Choice chosen = choose();
        name = chosen.name;
        String done = chosen.step.run();
        trace.addLast(step + " " + name + ": " + (done == null ? "nothing to do" : done));
        if (trace.size() > TRACE) {
          trace.removeFirst();
        }
        scene.compare(step % WHOLE_COMPARISON == 0);
      }
      name = "end";
      scene.compare(true);
    } catch (Exception | AssertionError e) {
      throw new Difference(
          "seed "
              + seed
              + " step "
              + step
              + " ("
              + name
              + "): "
              + e
              + "\n  before: "
              + String.join("\n          ", trace)
              + "\n  replay with -Dseed="
              + seed,
          e);
    }
  }

  private Choice choose() {
    int at = random.nextInt(weights);
    for (Choice choice : choices) {
      at -= choice.weight;
      if (at < 0) {
        return choice;
      }
    }
    throw new AssertionError("weights do not add up");
  }
}
