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
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.node.NodeRequest;
import org.blksnap.shell.internal.complete.ExportCompleter;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.complete.PathCompleter;
import org.blksnap.shell.internal.show.NodeRow;
import org.blksnap.shell.internal.show.Quantity;

/** {@code blksnap:node-connect}. */
@Service
@Command(
    scope = "blksnap",
    name = "node-connect",
    description = "Makes an export a block device of this host, by the kernel's NBD client")
public final class NodeConnectCommand extends PrintingCommand {
  @Argument(
      name = "export",
      description = "Name of a device, an image or a source",
      required = true)
  @Completion(ExportCompleter.class)
  String export;

  @Argument(
      index = 1,
      name = "node",
      description = "/dev/nbd0, /dev/nbd1 and so on; the first that is free without it")
  @Completion(PathCompleter.class)
  String node;

  @Argument(
      index = 2,
      name = TrailingOptions.ROOM,
      description = "Options may follow",
      multiValued = true)
  @Completion(OptionCompleter.class)
  List<String> options;

  @Option(
      name = "--timeout",
      description = "How long I/O waits for a server before it fails, for instance 30s or 10m")
  String timeout;

  @Option(
      name = "--connections",
      description = "Connections, 1 to 16; with 1 a slow answer is waited for as long as it takes")
  int connections = 1;

  @Override
  void run(PrintStream out) throws IOException {
    NodeRequest request = NodeRequest.of(export).connections(connections);
    if (node != null) {
      request = request.at(node);
    }
    if (timeout != null) {
      Duration wait = Quantity.duration("--timeout", timeout);
      if (wait.getNano() != 0) {
        throw new BlksnapException(
            Errno.EINVAL, "--timeout " + timeout + " refused: allowed are whole seconds");
      }
      request = request.timeout(wait);
    }
    printOne(out, NodeRow.LISTING, engines.nodes().connect(request));
  }
}
