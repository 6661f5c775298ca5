// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Comparator;
import java.util.List;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.apache.karaf.shell.support.CommandException;
import org.blksnap.api.health.Finding;
import org.blksnap.shell.internal.show.Listing;

/** {@code blksnap:doctor}: its exit status is non-zero where something hurts now. */
@Service
@Command(
    scope = "blksnap",
    name = "doctor",
    description = "Looks at the host, the services, the devices and the snapshots; says what to do")
public final class DoctorCommand extends PrintingCommand {
  private static final Listing<Finding> LISTING =
      new Listing<Finding>()
          .text("severity", Finding::severity)
          .text("subject", Finding::subject)
          .text("observation", Finding::observation)
          .text("remedy", Finding::remedy);

  @Override
  void run(PrintStream out) throws IOException, CommandException {
    List<Finding> findings =
        engines.doctor().examine().stream()
            .flatMap(examined -> examined.findings().stream())
            .sorted(Comparator.comparing(Finding::severity).reversed())
            .toList();
    printAll(out, LISTING, findings, "");
    long errors = findings.stream().filter(f -> f.severity() == Finding.Severity.ERROR).count();
    if (errors > 0) {
      String verdict = errors + " of " + findings.size() + " findings are errors";
      throw new CommandException(json ? "" : verdict, verdict);
    }
  }
}
