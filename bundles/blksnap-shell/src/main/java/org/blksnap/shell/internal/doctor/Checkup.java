// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.doctor;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.DeviceCondition;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.shell.internal.lookup.Engines;
import org.blksnap.shell.internal.lookup.Locator;
import org.blksnap.shell.internal.show.Quantity;
import org.blksnap.shell.internal.show.SnapshotRow;

/**
 * Everything the doctor looks at: what it sees through the services itself, and what each bundle
 * says of its own health. Every examination runs in a thread of its own for {@link
 * #EXAMINATION_WAIT} at most, so that one that hangs is a finding and not a hanging doctor.
 */
public final class Checkup {
  static final Duration EXAMINATION_WAIT = Duration.ofSeconds(10);

  private static final String LIST_BUNDLES =
      "look for what is not active with scr:list and bundle:list; see the log with log:display";

  private final Engines engines;
  private final Duration wait;

  public Checkup(Engines engines) {
    this(engines, EXAMINATION_WAIT);
  }

  Checkup(Engines engines, Duration wait) {
    this.engines = engines;
    this.wait = wait;
  }

  public List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    findings.addAll(bounded("services", this::services));
    for (Engines.Engine engine : engines.present()) {
      findings.addAll(bounded("devices of " + engine.name(), () -> devices(engine)));
      findings.addAll(bounded("snapshots of " + engine.name(), () -> snapshots(engine)));
    }
    for (Examination examination : engines.examinations()) {
      findings.addAll(bounded(examination.getClass().getSimpleName(), examination));
    }
    return findings;
  }

  private List<Finding> services() {
    List<Finding> findings = new ArrayList<>();
    List<String> names = engines.present().stream().map(Engines.Engine::name).toList();
    findings.add(
        names.isEmpty()
            ? new Finding(Severity.ERROR, "engines", "no engine is running", LIST_BUNDLES)
            : new Finding(Severity.OK, "engines", "running: " + String.join(", ", names), ""));
    TreeMap<String, Parameters> sets = engines.presentParameters();
    if (sets.isEmpty()) {
      findings.add(service("parameters", false));
    }
    sets.forEach((engine, parameters) -> findings.add(parameters(engine, parameters)));
    findings.add(
        engines.presentExports().isEmpty()
            ? new Finding(Severity.WARNING, "exports", "nothing is served over NBD", LIST_BUNDLES)
            : service("exports", true));
    return findings;
  }

  private static Finding parameters(String engine, Parameters parameters) {
    String subject = engine.equals(Engines.PREFERRED) ? "parameters" : "parameters of " + engine;
    return parameters
        .lastRefusal()
        .map(
            refusal ->
                new Finding(
                    Severity.WARNING,
                    subject,
                    refusal,
                    "set an allowed value with blksnap:parameter-set"))
        .orElseGet(() -> service(subject, true));
  }

  private static Finding service(String subject, boolean running) {
    return running
        ? new Finding(Severity.OK, subject, "running", "")
        : new Finding(Severity.ERROR, subject, "the service is not running", LIST_BUNDLES);
  }

  private static List<Finding> devices(Engines.Engine engine) {
    List<Finding> findings = new ArrayList<>();
    for (AttachedDevice device : engine.service().devices()) {
      String subject = "device " + device.name();
      if (device.condition() != DeviceCondition.OK) {
        findings.add(
            new Finding(
                Severity.ERROR,
                subject,
                device.conditionDetail(),
                "see that " + device.path() + " can be reached; " + LIST_BUNDLES));
        continue;
      }
      try {
        device.changes().info();
        findings.add(
            new Finding(
                Severity.OK,
                subject,
                device.path() + ", " + Quantity.text(device.capacity()) + ": ok",
                ""));
      } catch (IOException e) {
        findings.add(
            new Finding(
                Severity.ERROR,
                subject,
                "change map: " + e.getMessage() + " [" + BlksnapException.errnoOf(e) + "]",
                "the next take begins a new generation; the next backup has to be a full one"));
      }
    }
    return findings;
  }

  private static List<Finding> snapshots(Engines.Engine engine) {
    List<Finding> findings = new ArrayList<>();
    try {
      List<Locator.Found<Snapshot>> found =
          engine.service().snapshots().stream()
              .map(snapshot -> new Locator.Found<>(engine, snapshot))
              .toList();
      for (SnapshotRow row : SnapshotRow.of(found)) {
        findings.addAll(SnapshotCheck.findings(row));
      }
    } catch (BlksnapException e) {
      findings.add(
          new Finding(Severity.ERROR, "snapshots of " + engine.name(), e.toString(), LIST_BUNDLES));
    }
    return findings;
  }

  private List<Finding> bounded(String subject, Examination examination) {
    try {
      return engines.examiner().ask(subject, examination, wait);
    } catch (TimeoutException e) {
      return failed(subject, e.getMessage());
    } catch (ExecutionException e) {
      return failed(subject, words(e.getCause()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return failed(subject, "interrupted");
    }
  }

  /** What a foreign examination throws may throw again when it is asked for its words. */
  private static String words(Throwable thrown) {
    try {
      return thrown.toString();
    } catch (Throwable t) {
      return thrown.getClass().getName();
    }
  }

  private static List<Finding> failed(String subject, String seen) {
    return List.of(new Finding(Severity.ERROR, subject, seen, LIST_BUNDLES));
  }
}
