// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.shell.internal.complete.SnapshotCompleter;
import org.blksnap.shell.internal.lookup.Locator;

/** {@code blksnap:snapshot-destroy}. */
@Service
@Command(
    scope = "blksnap",
    name = "snapshot-destroy",
    description = "Releases snapshots with their images and storage")
public final class SnapshotDestroyCommand extends BlksnapCommand {
  @Argument(name = "snapshot", description = "Id, or its beginning", multiValued = true)
  @Completion(SnapshotCompleter.class)
  List<String> snapshots;

  @Option(name = "--all", description = "Destroy every snapshot")
  boolean all;

  @Override
  void run(PrintStream out) throws IOException {
    if (all == (snapshots != null && !snapshots.isEmpty())) {
      throw new BlksnapException(
          Errno.EINVAL, "destroy refused: allowed is either ids of snapshots or --all");
    }
    List<Locator.Found<Snapshot>> doomed = new ArrayList<>();
    if (all) {
      doomed.addAll(locator().snapshots());
    } else {
      for (String id : snapshots) {
        doomed.add(locator().doomed(id));
      }
    }
    IOException first = null;
    for (Locator.Found<Snapshot> each : doomed) {
      try {
        each.service().destroy(each.what().id());
        out.println("destroyed " + each.what().id());
      } catch (BlksnapException e) {
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
