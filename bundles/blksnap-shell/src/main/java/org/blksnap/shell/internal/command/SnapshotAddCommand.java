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
import org.blksnap.shell.internal.complete.DeviceCompleter;
import org.blksnap.shell.internal.complete.SnapshotCompleter;
import org.blksnap.shell.internal.lookup.Locator;

/** {@code blksnap:snapshot-add}. */
@Service
@Command(
    scope = "blksnap",
    name = "snapshot-add",
    description = "Adds attached devices to a snapshot")
public final class SnapshotAddCommand extends BlksnapCommand {
  @Argument(name = "snapshot", description = "Id, or its beginning", required = true)
  @Completion(SnapshotCompleter.class)
  String snapshot;

  @Argument(
      index = 1,
      name = "device",
      description = "Name, path or major:minor",
      required = true,
      multiValued = true)
  @Completion(DeviceCompleter.class)
  List<String> devices;

  @Override
  void run(PrintStream out) throws IOException {
    Locator.Found<Snapshot> found = locator().snapshot(snapshot);
    Locator there = new Locator(engines, found.engine().name());
    for (String device : devices) {
      String name = there.device(device).what().name();
      found.what().addDevice(name);
      out.println("added " + name);
    }
  }
}
