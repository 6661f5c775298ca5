// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import java.util.Locale;
import org.blksnap.api.node.DeviceNode;

/** How a device node is shown. */
public final class NodeRow {
  public static final Listing<DeviceNode> LISTING =
      new Listing<DeviceNode>()
          .text("node", DeviceNode::path)
          .text("export", DeviceNode::export)
          .text("kind", node -> node.kind().name().toLowerCase(Locale.ROOT))
          .text("state", node -> node.state().name().toLowerCase(Locale.ROOT))
          .bytes("size", DeviceNode::size)
          .flag("read_only", DeviceNode::readOnly)
          .number("connections", DeviceNode::connections)
          .text("link", node -> node.link().orElse(null))
          .text("detail", DeviceNode::detail);

  private NodeRow() {}
}
