// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.util.Collection;
import java.util.Locale;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs the benchmarks whose names match the first argument with short settings, prints a line each,
 * and the goals. {@code -Dbench.iterations=} and {@code -Dbench.seconds=} lengthen it.
 */
public final class BenchMain {
  private static final double MARK_NANOS = 15;
  private static final double CALL_MICROS = 5;
  private static final double MAP_MICROS = 1000;

  private BenchMain() {}

  public static void main(String[] arguments) throws RunnerException {
    int iterations = Integer.getInteger("bench.iterations", 5);
    TimeValue time = TimeValue.seconds(Integer.getInteger("bench.seconds", 1));
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include(arguments.length > 0 ? arguments[0] : "Bench")
                    .forks(1)
                    .warmupIterations(Math.max(1, iterations / 2))
                    .warmupTime(time)
                    .measurementIterations(iterations)
                    .measurementTime(time)
                    .shouldFailOnError(true)
                    .build())
            .run();
    GoalLine goals = new GoalLine(System.out);
    System.out.println();
    for (RunResult run : results) {
      Result<?> result = run.getPrimaryResult();
      String name = run.getParams().getBenchmark().replaceFirst(".*\\.(?=[^.]*\\.)", "");
      StringBuilder of = new StringBuilder();
      run.getParams()
          .getParamsKeys()
          .forEach(key -> of.append(' ').append(run.getParams().getParam(key)));
      System.out.println(
          String.format(
              Locale.ROOT, "%s%s %.2f %s", name, of, result.getScore(), result.getScoreUnit()));
      if (name.equals("ModuleCallBench.controlCall")) {
        goals.atMost(
            "JNA-call", result.getScore(), CALL_MICROS, "us, a control call with its raw ioctl");
      }
      if (name.equals("ModuleCallBench.readMap")) {
        goals.atMost(
            "JNA-map", result.getScore(), MAP_MICROS, "us, a change map of 2 MiB read at once");
      }
      if (name.startsWith(MarkBench.class.getSimpleName())) {
        goals.atMost(
            "P6",
            result.getScore(),
            MARK_NANOS,
            "ns, mark of a 4 KiB write over 1 TiB, " + result.getLabel());
      }
    }
    System.exit(goals.allMet() ? 0 : 1);
  }
}
