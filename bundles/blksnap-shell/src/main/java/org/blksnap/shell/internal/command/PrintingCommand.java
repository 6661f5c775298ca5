// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.karaf.shell.api.action.Option;
import org.blksnap.shell.internal.show.Listing;

/** A command with something to show: to people as a table, to programs as JSON and nothing else. */
public abstract class PrintingCommand extends BlksnapCommand {
  @Option(name = "--json", description = "Print JSON, for programs", required = false)
  boolean json;

  @Option(
      name = "--no-format",
      description = "Print a table without borders and headers",
      required = false)
  boolean noFormat;

  final <T> void printAll(PrintStream out, Listing<T> listing, List<T> rows, String none)
      throws IOException {
    if (json) {
      listing.jsonArray(out, rows);
    } else {
      listing.table(out, rows, !noFormat, none);
    }
  }

  final <T> void printOne(PrintStream out, Listing<T> listing, T row) throws IOException {
    if (json) {
      listing.jsonObject(out, row);
    } else {
      listing.card(out, row, !noFormat);
    }
  }

  /** A line for people only. */
  final void note(PrintStream out, String line) {
    if (!json) {
      out.println(line);
    }
  }
}
