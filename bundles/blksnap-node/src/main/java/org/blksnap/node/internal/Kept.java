// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.nio.file.Path;
import java.util.Optional;
import org.blksnap.api.export.ExportKind;
import org.blksnap.api.node.DeviceNode;
import org.blksnap.spi.node.KernelNode;
import org.blksnap.spi.node.NodeLabel;

/**
 * A node of ours as it is known here. Immutable.
 *
 * @param index the N of {@code /dev/nbdN}
 * @param label as the kernel has it
 * @param state whether it is served
 * @param detail why not
 * @param link of an image's node
 */
record Kept(
    int index, NodeLabel label, DeviceNode.State state, String detail, Optional<Path> link) {
  Kept served() {
    return new Kept(index, label, DeviceNode.State.CONNECTED, "", link);
  }

  Kept waiting(String why) {
    return new Kept(index, label, DeviceNode.State.WAITING, why, link);
  }

  Kept lost(String why) {
    return new Kept(index, label, DeviceNode.State.LOST, why, link);
  }

  Kept linked(Optional<Path> path) {
    return new Kept(index, label, state, detail, path);
  }

  DeviceNode shown(KernelNode now) {
    return new DeviceNode(
        now.path(),
        label.export(),
        ExportKind.valueOf(label.kind().name()),
        state,
        detail,
        now.size(),
        now.readOnly(),
        label.connections(),
        link);
  }
}
