// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.node.NodeRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Nodes that configurations name: connected as soon as that is possible, and again after it was.
 */
final class NodeWishes {
  private static final Logger LOG = LoggerFactory.getLogger(NodeWishes.class);

  /** A wish and why it is not fulfilled. */
  record Unfulfilled(String wish, String why) {}

  private final NodeKeeper keeper;
  private final Map<String, NodeRequest> wishes = new ConcurrentHashMap<>();
  private final Map<String, String> refusals = new ConcurrentHashMap<>();

  NodeWishes(NodeKeeper keeper) {
    this.keeper = keeper;
  }

  /** By the export's name; the last one of two for the same export counts. */
  void add(NodeRequest wish) {
    wishes.put(wish.export(), wish);
  }

  /** Forgets it; with {@code disconnect} the node goes too, where nobody uses it. */
  void remove(NodeRequest wish, boolean disconnect) {
    if (!wishes.remove(wish.export(), wish)) {
      return;
    }
    refusals.remove(wish.export());
    if (disconnect) {
      try {
        keeper.disconnect(wish.export(), false);
      } catch (BlksnapException refused) {
        LOG.warn("the node of \"{}\" stays: {}", wish.export(), refused.toString());
      }
    }
  }

  /** Connects what is not connected yet. */
  void fulfil() {
    wishes.values().forEach(this::fulfil);
  }

  private void fulfil(NodeRequest wish) {
    try {
      keeper.connect(wish);
      refusals.remove(wish.export());
    } catch (BlksnapException refused) {
      if (refused.errno() == Errno.EALREADY) {
        refusals.remove(wish.export());
      } else if (wishes.containsKey(wish.export())) {
        refused(wish, refused.toString());
      }
    }
  }

  private void refused(NodeRequest wish, String why) {
    if (!why.equals(refusals.put(wish.export(), why))) {
      LOG.warn("the node of \"{}\" is not connected yet: {}", wish.export(), why);
    }
  }

  /** None could be looked after. */
  void refused(Throwable why) {
    wishes.values().forEach(wish -> refused(wish, why.toString()));
  }

  List<Unfulfilled> unfulfilled() {
    List<Unfulfilled> found = new ArrayList<>();
    refusals.forEach((export, why) -> found.add(new Unfulfilled(export, why)));
    return found;
  }
}
