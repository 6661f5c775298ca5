// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Locale;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.export.Export;
import org.blksnap.shell.internal.show.Listing;

/** {@code blksnap:export-list}. */
@Service
@Command(
    scope = "blksnap",
    name = "export-list",
    description = "What is served over NBD, and where")
public final class ExportListCommand extends PrintingCommand {
  private static final Listing<Export> LISTING =
      new Listing<Export>()
          .text("name", Export::name)
          .text("kind", e -> e.kind().name().toLowerCase(Locale.ROOT))
          .bytes("size", Export::size)
          .flag("read_only", Export::readOnly)
          .number("connections", Export::connections)
          .text("uri", Export::uri);

  @Override
  void run(PrintStream out) throws IOException {
    printAll(out, LISTING, engines.exports().exports(), "nothing is served; attach a device first");
  }
}
