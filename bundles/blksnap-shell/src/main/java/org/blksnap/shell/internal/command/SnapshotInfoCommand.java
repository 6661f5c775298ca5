// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.complete.SnapshotCompleter;
import org.blksnap.shell.internal.show.Listing;
import org.blksnap.shell.internal.show.Shown;
import org.blksnap.shell.internal.show.SnapshotRow;

/** {@code blksnap:snapshot-info}. */
@Service
@Command(
    scope = "blksnap",
    name = "snapshot-info",
    description = "One snapshot: its storage and its images")
public final class SnapshotInfoCommand extends PrintingCommand {
  private static final Listing<SnapshotRow> LISTING =
      Shown.snapshot()
          .text("consistency", SnapshotRow::consistency)
          .words("consistency_reasons", SnapshotRow::reasons)
          .words("storage_parts", r -> r.storage().parts())
          .rows("images", Shown.IMAGE_INFO, SnapshotRow::images);

  @Argument(name = "snapshot", description = "Id, or its beginning", required = true)
  @Completion(SnapshotCompleter.class)
  String snapshot;

  @Argument(
      index = 1,
      name = TrailingOptions.ROOM,
      description = "Options may follow",
      multiValued = true)
  @Completion(OptionCompleter.class)
  List<String> options;

  @Override
  void run(PrintStream out) throws IOException {
    SnapshotRow row = SnapshotRow.of(locator().snapshot(snapshot));
    printOne(out, LISTING, row);
    if (!json) {
      Shown.IMAGE_INFO.table(out, row.images(), !noFormat, "it has no device yet");
    }
  }
}
