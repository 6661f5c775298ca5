// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.ParameterRange;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.shell.internal.show.Listing;

/** {@code blksnap:parameter-list}. */
@Service
@Command(
    scope = "blksnap",
    name = "parameter-list",
    description = "The nine parameters of an engine: value, default, range, when read, meaning")
public final class ParameterListCommand extends PrintingCommand {
  private record Row(Parameter parameter, long value, ParameterRange range, String refusal) {}

  private static final Listing<Row> LISTING =
      new Listing<Row>()
          .text("name", r -> r.parameter().key())
          .number("value", Row::value)
          .number("default", r -> r.range().defaultValue())
          .number("minimum", r -> r.range().minimum())
          .number("maximum", r -> r.range().maximum())
          .text("unit", r -> r.range().unit())
          .text("read", r -> r.parameter().readWhen().text())
          .text("meaning", r -> r.parameter().meaning())
          .text("last_refusal", Row::refusal)
          .notInTable();

  @Override
  void run(PrintStream out) throws IOException {
    Parameters parameters = engines.parameters(engine);
    String refusal = parameters.lastRefusal().orElse("");
    List<Row> rows = new ArrayList<>();
    for (Map.Entry<Parameter, Long> each : parameters.values().entrySet()) {
      Parameter one = each.getKey();
      boolean refused = refusal.startsWith(one.key() + " ");
      rows.add(new Row(one, each.getValue(), parameters.range(one), refused ? refusal : null));
    }
    printAll(out, LISTING, rows, "");
    if (!refusal.isEmpty()) {
      note(out, "last refusal: " + refusal);
    }
  }
}
