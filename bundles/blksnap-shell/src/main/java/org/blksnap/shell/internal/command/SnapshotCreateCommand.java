// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.shell.internal.lookup.Engines;
import org.blksnap.shell.internal.lookup.Locator;
import org.blksnap.shell.internal.show.Listing;

/** {@code blksnap:snapshot-create}. */
@Service
@Command(scope = "blksnap", name = "snapshot-create", description = "Creates an empty snapshot")
public final class SnapshotCreateCommand extends PrintingCommand {
  private static final Listing<Locator.Found<Snapshot>> LISTING =
      new Listing<Locator.Found<Snapshot>>()
          .text("id", f -> f.what().id())
          .text("engine", f -> f.engine().name());

  @Option(name = "--label", description = "A word for people: what it is for")
  String label;

  @Override
  void run(PrintStream out) throws IOException {
    Engines.Engine chosen = engines.chosen(engine);
    Snapshot snapshot =
        chosen
            .service()
            .create(SnapshotCommand.labelled(SnapshotRequest.of(), label == null ? "" : label));
    if (json) {
      LISTING.jsonObject(out, new Locator.Found<>(chosen, snapshot));
    } else {
      out.println(snapshot.id());
    }
  }
}
