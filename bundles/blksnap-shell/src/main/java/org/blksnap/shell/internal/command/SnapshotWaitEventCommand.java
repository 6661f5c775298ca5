// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.apache.karaf.shell.api.console.Session;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.complete.SnapshotCompleter;
import org.blksnap.shell.internal.show.EventRow;
import org.blksnap.shell.internal.show.Quantity;

/**
 * {@code blksnap:snapshot-wait-event}; shows the oldest event that nobody has dealt with yet.
 *
 * <p>It has a subscription of its own, so of several who wait each is told. An event is taken off
 * the snapshot's queue only after it was printed and its client was still there: one that reached
 * nobody is shown to the next who waits.
 *
 * <p>The server of the shell does not interrupt a command whose client went away. So the wait is
 * made of slices, and before each the command sees by flushing whether somebody still listens; else
 * it ends, and its thread with it.
 */
@Service
@Command(
    scope = "blksnap",
    name = "snapshot-wait-event",
    description = "Shows a snapshot's oldest new event, waiting for one; Ctrl-C ends the wait")
public final class SnapshotWaitEventCommand extends PrintingCommand {
  /** Longest time for which a client that is gone goes unnoticed. */
  static final Duration SLICE = Duration.ofMillis(100);

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

  @Option(name = "--timeout", description = "How long to wait, for instance 500ms or 10s")
  String timeout = "10s";

  @Reference Session session;

  @Override
  void run(PrintStream out) throws IOException {
    Duration wait = Quantity.duration("--timeout", timeout);
    Snapshot from = locator().snapshot(snapshot).what();
    try (EventSubscription events = from.subscribe()) {
      BlksnapEvent.OfSnapshot event = await(events, from, wait);
      printOne(out, EventRow.LISTING, EventRow.of(event));
      out.flush();
      requireClient(from);
      from.acknowledge(event);
    }
  }

  private BlksnapEvent.OfSnapshot await(EventSubscription events, Snapshot from, Duration wait)
      throws BlksnapException {
    long deadline = System.nanoTime() + wait.toNanos();
    while (true) {
      requireClient(from);
      long left = Math.max(0, deadline - System.nanoTime());
      try {
        BlksnapEvent.OfSnapshot event =
            events.next(Duration.ofNanos(Math.min(left, SLICE.toNanos())));
        if (EventRow.of(event) != null) {
          return event;
        }
      } catch (BlksnapException e) {
        if (e.errno() != Errno.ENOENT) {
          throw e;
        }
        if (left <= SLICE.toNanos()) {
          throw new BlksnapException(
              Errno.ENOENT,
              "no event of snapshot " + from.id() + " within " + wait.toMillis() + " ms",
              e);
        }
      }
    }
  }

  private void requireClient(Snapshot from) throws BlksnapException {
    if (session.getConsole().checkError()) {
      throw new BlksnapException(
          Errno.EINTR,
          "the wait for an event of snapshot "
              + from.id()
              + " is over: its client is gone; no event was taken");
    }
  }
}
