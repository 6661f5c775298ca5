// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.node.ConnectedNode;
import org.blksnap.spi.node.DeadLinks;
import org.blksnap.spi.node.KernelNode;
import org.blksnap.spi.node.NodeHost;
import org.blksnap.spi.node.NodePlan;

/** A kernel with four nodes, which keeps labels as the real one does. */
final class FakeHost implements NodeHost {
  static final int NODES = 4;

  final Map<Integer, KernelNode> connected = new TreeMap<>();
  final List<NodePlan> plans = new ArrayList<>();
  final List<Integer> reconnected = new ArrayList<>();
  final BlockingQueue<Integer> news = new LinkedBlockingQueue<>();
  long size = 1 << 20;
  Errno refusal;
  boolean busy;
  int locks;

  private void check() throws BlksnapException {
    if (refusal != null) {
      throw new BlksnapException(refusal, "refused by the test");
    }
  }

  @Override
  public synchronized void require() throws BlksnapException {
    check();
  }

  @Override
  public synchronized List<KernelNode> nodes() throws BlksnapException {
    check();
    List<KernelNode> nodes = new ArrayList<>();
    for (int i = 0; i < NODES; i++) {
      nodes.add(connected.getOrDefault(i, new KernelNode(i, false, "", 0, false)));
    }
    return nodes;
  }

  @Override
  public synchronized ConnectedNode connect(OptionalInt index, NodePlan plan)
      throws BlksnapException {
    check();
    int node = index.orElse(0);
    while (index.isEmpty() && connected.containsKey(node)) {
      node++;
    }
    if (connected.containsKey(node)) {
      throw new BlksnapException(Errno.EBUSY, "in use");
    }
    plans.add(plan);
    connected.put(node, new KernelNode(node, true, plan.label(), size, false));
    return new ConnectedNode(node, size, 512, false);
  }

  @Override
  public synchronized ConnectedNode reconnect(int index, NodePlan plan) throws BlksnapException {
    check();
    if (plan.size() > size) {
      throw new BlksnapException(Errno.ERANGE, "smaller");
    }
    reconnected.add(index);
    plans.add(plan);
    return new ConnectedNode(index, size, 512, false);
  }

  @Override
  public synchronized void disconnect(int index, boolean force) throws BlksnapException {
    if (busy && !force) {
      throw new BlksnapException(Errno.EBUSY, "mounted");
    }
    connected.remove(index);
  }

  @Override
  public DeadLinks deadLinks() throws BlksnapException {
    synchronized (this) {
      check();
    }
    return new DeadLinks() {
      @Override
      public Set<Integer> await(Duration wait) {
        try {
          Integer index = news.poll(Math.min(20, wait.toMillis()), TimeUnit.MILLISECONDS);
          return index == null ? Set.of() : Set.of(index);
        } catch (InterruptedException end) {
          Thread.currentThread().interrupt();
          return Set.of();
        }
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void markServing() {}

  @Override
  public synchronized void lockMemory() {
    locks++;
  }
}
