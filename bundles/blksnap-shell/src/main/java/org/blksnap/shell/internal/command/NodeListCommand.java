// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.shell.internal.show.NodeRow;

/** {@code blksnap:node-list}. */
@Service
@Command(
    scope = "blksnap",
    name = "node-list",
    description = "Exports that are block devices of this host, and whether they are served")
public final class NodeListCommand extends PrintingCommand {
  @Override
  void run(PrintStream out) throws IOException {
    printAll(
        out,
        NodeRow.LISTING,
        engines.nodes().list(),
        "no nodes; make one with blksnap:node-connect EXPORT");
  }
}
