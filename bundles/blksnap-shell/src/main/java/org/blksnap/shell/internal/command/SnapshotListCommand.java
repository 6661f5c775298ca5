// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.shell.internal.show.Listing;
import org.blksnap.shell.internal.show.Shown;
import org.blksnap.shell.internal.show.SnapshotRow;

/** {@code blksnap:snapshot-list}. */
@Service
@Command(scope = "blksnap", name = "snapshot-list", description = "Snapshots, oldest first")
public final class SnapshotListCommand extends PrintingCommand {
  private static final Listing<SnapshotRow> LISTING = Shown.snapshot();

  @Override
  void run(PrintStream out) throws IOException {
    List<SnapshotRow> rows = SnapshotRow.of(locator().snapshots());
    printAll(out, LISTING, rows, "there is no snapshot");
    for (SnapshotRow row : rows) {
      if (row.orphaned()) {
        note(
            out,
            "snapshot "
                + row.id()
                + " is an orphan: its owner "
                + row.owner()
                + " is not running; free it with blksnap:snapshot-destroy "
                + row.id());
      }
    }
  }
}
