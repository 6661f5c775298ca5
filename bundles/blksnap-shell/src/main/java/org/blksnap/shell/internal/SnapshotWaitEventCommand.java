// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** {@code blksnap:snapshot-wait-event}; takes the event off the queue. */
@Service
@Command(
    scope = "blksnap",
    name = "snapshot-wait-event",
    description = "Takes a snapshot's oldest event, waiting for one; Ctrl-C ends the wait")
public final class SnapshotWaitEventCommand extends PrintingCommand {
  @Argument(name = "snapshot", description = "Id, or its beginning", required = true)
  @Completion(SnapshotCompleter.class)
  String snapshot;

  @Argument(
      index = 1,
      name = TrailingOptions.ROOM,
      description = "Options may follow",
      multiValued = true)
  List<String> options;

  @Option(name = "--timeout", description = "How long to wait, for instance 500ms or 10s")
  String timeout = "10s";

  @Override
  void run(PrintStream out) throws IOException {
    Duration wait = Quantity.duration("--timeout", timeout);
    printOne(
        out, EventRow.LISTING, EventRow.of(locator().snapshot(snapshot).what().waitEvent(wait)));
  }
}
