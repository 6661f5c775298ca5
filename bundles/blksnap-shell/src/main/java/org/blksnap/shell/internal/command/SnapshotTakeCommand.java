// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.complete.SnapshotCompleter;
import org.blksnap.shell.internal.lookup.Locator;
import org.blksnap.shell.internal.show.SnapshotRow;
import org.blksnap.shell.internal.show.TakenRow;

/** {@code blksnap:snapshot-take}. */
@Service
@Command(
    scope = "blksnap",
    name = "snapshot-take",
    description = "Takes a snapshot: one moment for all its devices")
public final class SnapshotTakeCommand extends PrintingCommand {
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
    Locator.Found<Snapshot> found = locator().snapshot(snapshot);
    TakeResult result = found.what().take();
    printOne(out, TakenRow.LISTING, TakenRow.of(engines, SnapshotRow.of(found), result));
  }
}
