// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.ExportKind;
import org.blksnap.api.node.DeviceNode;
import org.blksnap.api.node.DeviceNodes;
import org.blksnap.api.node.NodeRequest;

/** Nodes that are nothing but their list. */
public final class FakeNodes implements DeviceNodes {
  public final List<DeviceNode> nodes = new ArrayList<>();
  public final List<NodeRequest> requests = new ArrayList<>();

  /** Refused where it is not forced. */
  public boolean busy;

  @Override
  public DeviceNode connect(NodeRequest request) throws BlksnapException {
    requests.add(request);
    DeviceNode node =
        new DeviceNode(
            Path.of(request.node().orElse("/dev/nbd0")),
            request.export(),
            ExportKind.DEVICE,
            DeviceNode.State.CONNECTED,
            "",
            1 << 20,
            false,
            request.connections(),
            Optional.empty());
    nodes.add(node);
    return node;
  }

  @Override
  public void disconnect(String node, boolean force) throws BlksnapException {
    if (busy && !force) {
      throw new BlksnapException(Errno.EBUSY, node + " refused: it is mounted");
    }
    if (!nodes.removeIf(
        each -> each.path().toString().equals(node) || each.export().equals(node))) {
      throw new BlksnapException(Errno.ENODEV, "node " + node + " refused: no such node");
    }
  }

  @Override
  public List<DeviceNode> list() {
    return List.copyOf(nodes);
  }
}
