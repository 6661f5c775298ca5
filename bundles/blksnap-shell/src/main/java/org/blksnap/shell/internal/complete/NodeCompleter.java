// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.node.DeviceNodes;

/** Device nodes of ours, and the exports they are connected to. */
@Service
public final class NodeCompleter extends NameCompleter {
  @Override
  Collection<String> names() {
    return engines.presentNodes().map(NodeCompleter::of).orElse(List.of());
  }

  private static List<String> of(DeviceNodes nodes) {
    try {
      return nodes.list().stream()
          .flatMap(node -> Stream.of(node.path().toString(), node.export()))
          .toList();
    } catch (BlksnapException unknown) {
      return List.of();
    }
  }
}
