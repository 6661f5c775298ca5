// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.util.List;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.Parameters;

/** Whether a value of an engine's parameters was refused. */
final class ParametersCheck implements Examination {
  /** The engine where a service names none, and the one that findings do not name. */
  static final String USUAL_ENGINE = "userspace";

  private final String subject;
  private final Parameters parameters;

  ParametersCheck(String engine, Parameters parameters) {
    this.subject = engine.equals(USUAL_ENGINE) ? "parameters" : "parameters of " + engine;
    this.parameters = parameters;
  }

  @Override
  public String subject() {
    return subject;
  }

  @Override
  public List<Finding> examine() {
    Finding finding =
        parameters
            .lastRefusal()
            .map(
                refusal ->
                    Findings.warning(
                        subject, refusal, "set an allowed value with blksnap:parameter-set"))
            .orElseGet(() -> Findings.ok(subject, "running"));
    return List.of(finding);
  }
}
