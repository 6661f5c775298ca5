// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Optional;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.node.DeviceNode;
import org.blksnap.api.node.DeviceNodes;
import org.blksnap.shell.internal.complete.NodeCompleter;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.show.Listing;

/** {@code blksnap:node-disconnect}. */
@Service
@Command(
    scope = "blksnap",
    name = "node-disconnect",
    description = "Takes a block device of ours from this host; what is served stays")
public final class NodeDisconnectCommand extends PrintingCommand {
  private static final Listing<DeviceNode> LISTING =
      new Listing<DeviceNode>().text("node", DeviceNode::path).text("export", DeviceNode::export);

  @Argument(name = "node", description = "/dev/nbd0 and so on, or an export", required = true)
  @Completion(NodeCompleter.class)
  String node;

  @Argument(
      index = 1,
      name = TrailingOptions.ROOM,
      description = "Options may follow",
      multiValued = true)
  @Completion(OptionCompleter.class)
  List<String> options;

  @Option(
      name = "--force",
      description = "Also where it is in use: I/O fails, and what was not stored is lost")
  boolean force;

  @Override
  void run(PrintStream out) throws IOException {
    DeviceNodes nodes = engines.nodes();
    Optional<DeviceNode> named = nodes.list().stream().filter(this::named).findFirst();
    nodes.disconnect(node, force);
    if (named.isPresent() && json) {
      printOne(out, LISTING, named.get());
    } else {
      out.println("disconnected " + named.map(DeviceNode::path).map(Object::toString).orElse(node));
    }
  }

  private boolean named(DeviceNode each) {
    return each.export().equals(node)
        || each.path().toString().equals(node)
        || each.path().endsWith(node);
  }
}
