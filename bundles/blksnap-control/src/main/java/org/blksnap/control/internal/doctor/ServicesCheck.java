// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;

/** Whether the services are there without which nothing works; asks none of them. */
final class ServicesCheck implements Examination {
  /**
   * What is there.
   *
   * @param engines their names
   * @param parameters whether any engine has some; each has a check of its own
   * @param exports whether there is a server
   */
  record Present(Set<String> engines, boolean parameters, boolean exports) {}

  private final Supplier<Present> present;

  ServicesCheck(Supplier<Present> present) {
    this.present = present;
  }

  @Override
  public String subject() {
    return "services";
  }

  @Override
  public List<Finding> examine() {
    Present now = present.get();
    List<Finding> findings = new ArrayList<>();
    findings.add(engines(now.engines()));
    if (!now.parameters()) {
      findings.add(
          Findings.error("parameters", "the service is not running", Findings.LIST_BUNDLES));
    }
    findings.add(exports(now.exports()));
    return findings;
  }

  private static Finding engines(Set<String> names) {
    return names.isEmpty()
        ? Findings.error("engines", "no engine is running", Findings.LIST_BUNDLES)
        : Findings.ok("engines", "running: " + String.join(", ", names));
  }

  private static Finding exports(boolean there) {
    return there
        ? Findings.ok("exports", "running")
        : Findings.warning("exports", "nothing is served over NBD", Findings.LIST_BUNDLES);
  }
}
