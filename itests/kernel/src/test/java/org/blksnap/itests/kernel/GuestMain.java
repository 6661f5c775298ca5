// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.kernel;

import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Stream;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** Runs the test classes, or methods as {@code Class#method}, that the arguments name. */
public final class GuestMain {
  private GuestMain() {}

  public static void main(String[] arguments) {
    List<DiscoverySelector> selectors = Stream.of(arguments).map(GuestMain::selector).toList();
    SummaryGeneratingListener summary = new SummaryGeneratingListener();
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request().selectors(selectors).build(),
            summary,
            new Telling());
    PrintWriter out = new PrintWriter(System.out, true);
    summary.getSummary().printFailuresTo(out, 20);
    summary.getSummary().printTo(out);
    boolean good =
        summary.getSummary().getTotalFailureCount() == 0
            && summary.getSummary().getTestsSucceededCount() > 0;
    System.exit(good ? 0 : 1);
  }

  private static DiscoverySelector selector(String name) {
    String full = GuestMain.class.getPackageName() + "." + name;
    return full.contains("#")
        ? DiscoverySelectors.selectMethod(full)
        : DiscoverySelectors.selectClass(full);
  }

  /** A line a test. */
  private static final class Telling implements TestExecutionListener {
    private final long begun = System.nanoTime();

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
      System.out.println("skipped " + test.getDisplayName() + ": " + reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      if (test.isTest()) {
        long seconds = (System.nanoTime() - begun) / 1_000_000_000;
        System.out.println(
            "[" + seconds + " s] " + result.getStatus() + " " + test.getDisplayName());
      }
    }
  }
}
