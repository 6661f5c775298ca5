// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.Export;
import org.blksnap.api.node.DeviceNode;
import org.blksnap.api.node.DeviceNode.State;
import org.blksnap.api.node.NodeRequest;
import org.blksnap.spi.node.ConnectedNode;
import org.blksnap.spi.node.KernelNode;
import org.blksnap.spi.node.NodeHost;
import org.blksnap.spi.node.NodeLabel;
import org.blksnap.spi.node.NodePlan;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The nodes of ours.
 *
 * <p>The kernel has the truth: which nodes are connected, and by their labels which of them are
 * ours. Kept here is what it does not tell: whether a connection of theirs died since it was last
 * given new ones. A node that is found and not kept yet (after a start) is taken for one whose
 * connection died; giving new connections to one that lives changes nothing.
 *
 * <p>{@link #turn} is held while the kernel is given an order, one after another. Looking takes no
 * lock.
 */
final class NodeKeeper {
  /** After so long a request unanswered by one of several connections is repeated on another. */
  static final Duration REPEAT_AFTER = Duration.ofMinutes(5);

  private static final Pattern NODE = Pattern.compile("(?:/dev/)?nbd(\\d{1,6})");
  private static final Logger LOG = LoggerFactory.getLogger(NodeKeeper.class);

  private final Ground ground;
  private final Served served;
  private final ImageLinks links;
  private final ReentrantLock turn = new ReentrantLock(true);
  private final Map<Integer, Kept> kept = new ConcurrentSkipListMap<>();

  NodeKeeper(Ground ground, ImageLinks links) {
    this.ground = ground;
    this.served = new Served(ground);
    this.links = links;
  }

  DeviceNode connect(NodeRequest request) throws BlksnapException {
    checkRanges(request);
    OptionalInt wanted = wanted(request);
    turn.lock();
    try {
      return connectInTurn(request, wanted);
    } finally {
      turn.unlock();
    }
  }

  @GuardedBy("turn")
  private DeviceNode connectInTurn(NodeRequest request, OptionalInt wanted)
      throws BlksnapException {
    NodeHost host = ground.requireHost();
    host.require();
    Path socket = served.socket();
    UUID instance = ground.instance();
    Export export =
        served.export(request.export()).orElseThrow(() -> Served.absent(request.export()));
    for (Map.Entry<KernelNode, NodeLabel> own : own(host, instance).entrySet()) {
      if (own.getValue().export().equals(export.name())) {
        throw new BlksnapException(
            Errno.EALREADY,
            "export \"" + export.name() + "\" refused: it has the node " + own.getKey().path());
      }
    }
    long timeout = request.timeout().getSeconds();
    NodeLabel label = served.label(instance, export, request.connections(), timeout);
    ConnectedNode made = host.connect(wanted, plan(label, socket, -1));
    Kept node = new Kept(made.index(), label, State.CONNECTED, "", Optional.empty());
    node = node.linked(linkOf(host, node));
    kept.put(made.index(), node);
    LOG.info("/dev/nbd{} connected to export \"{}\"", made.index(), export.name());
    return node.shown(
        new KernelNode(made.index(), true, label.text(), made.size(), made.readOnly()));
  }

  private static void checkRanges(NodeRequest request) throws BlksnapException {
    if (request.connections() < 1 || request.connections() > NodePlan.MOST_CONNECTIONS) {
      throw new BlksnapException(
          Errno.EINVAL,
          request.connections()
              + " connections refused: allowed are 1 to "
              + NodePlan.MOST_CONNECTIONS);
    }
    Duration timeout = request.timeout();
    if (timeout.getSeconds() < 1 || timeout.compareTo(NodeRequest.LONGEST_TIMEOUT) > 0) {
      throw new BlksnapException(
          Errno.EINVAL,
          "timeout of "
              + timeout.getSeconds()
              + " s refused: allowed are 1 to "
              + NodeRequest.LONGEST_TIMEOUT.getSeconds());
    }
  }

  private static OptionalInt wanted(NodeRequest request) throws BlksnapException {
    if (request.node().isEmpty()) {
      return OptionalInt.empty();
    }
    Matcher name = NODE.matcher(request.node().get());
    if (!name.matches()) {
      throw new BlksnapException(
          Errno.EINVAL,
          "node " + request.node().get() + " refused: a node is called /dev/nbd0, /dev/nbd1, …");
    }
    return OptionalInt.of(Integer.parseInt(name.group(1)));
  }

  private static NodePlan plan(NodeLabel label, Path socket, long size) {
    return new NodePlan(
        socket,
        label.export(),
        label.text(),
        size,
        label.connections(),
        label.connections() > 1 ? REPEAT_AFTER : Duration.ZERO,
        Duration.ofSeconds(label.timeout()));
  }

  private Optional<Path> linkOf(NodeHost host, Kept node) throws BlksnapException {
    if (node.label().kind() != NodeLabel.Kind.IMAGE) {
      return Optional.empty();
    }
    List<KernelNode> now = host.nodes();
    return links.make(
        node.label().export(),
        node.index(),
        index -> now.stream().anyMatch(other -> other.index() == index && other.connected()));
  }

  void disconnect(String name, boolean force) throws BlksnapException {
    turn.lock();
    try {
      NodeHost host = ground.requireHost();
      Kept node = find(host, name);
      if (!force && node.state() != State.CONNECTED) {
        throw new BlksnapException(
            Errno.EAGAIN,
            "/dev/nbd"
                + node.index()
                + " refused: it waits for its server ("
                + node.detail()
                + "), so what was written cannot be stored now; try again when it is served, or"
                + " force it and lose that");
      }
      try {
        host.disconnect(node.index(), force);
      } finally {
        look();
      }
      LOG.info("/dev/nbd{} disconnected from \"{}\"", node.index(), node.label().export());
    } finally {
      turn.unlock();
    }
  }

  @GuardedBy("turn")
  private Kept find(NodeHost host, String name) throws BlksnapException {
    look();
    Matcher path = NODE.matcher(name);
    int index = path.matches() ? Integer.parseInt(path.group(1)) : -1;
    for (Kept node : kept.values()) {
      if (node.label().export().equals(name) || node.index() == index) {
        return node;
      }
    }
    for (KernelNode other : host.nodes()) {
      if (other.connected() && other.index() == index) {
        throw new BlksnapException(
            Errno.ENODEV,
            other.path()
                + " refused: it was connected by others (label \""
                + other.label()
                + "\"); disconnect it with what connected it");
      }
    }
    throw new BlksnapException(
        Errno.ENODEV, "node " + name + " refused: no such node of ours; see blksnap:node-list");
  }

  List<DeviceNode> list() throws BlksnapException {
    List<DeviceNode> nodes = new ArrayList<>();
    for (Map.Entry<KernelNode, NodeLabel> own :
        own(ground.requireHost(), ground.instance()).entrySet()) {
      KernelNode now = own.getKey();
      Kept known = kept.get(now.index());
      nodes.add((known == null ? found(now, own.getValue()) : known).shown(now));
    }
    return nodes;
  }

  private static Kept found(KernelNode now, NodeLabel label) {
    return new Kept(now.index(), label, State.WAITING, "found at the start", Optional.empty());
  }

  /** ENODEV where the kernel has no NBD client is no node at all. */
  private static Map<KernelNode, NodeLabel> own(NodeHost host, UUID instance)
      throws BlksnapException {
    Map<KernelNode, NodeLabel> own =
        new TreeMap<>(java.util.Comparator.comparing(KernelNode::index));
    try {
      for (KernelNode node : host.nodes()) {
        NodeLabel.parse(node.label())
            .filter(label -> node.connected() && label.instance().equals(instance))
            .ifPresent(label -> own.put(node, label));
      }
    } catch (BlksnapException refused) {
      if (refused.errno() != Errno.ENODEV) {
        throw refused;
      }
    }
    return own;
  }

  /** Takes up nodes that are ours and not kept, and drops those that went. */
  private Map<Integer, KernelNode> look() throws BlksnapException {
    Map<Integer, KernelNode> now = new TreeMap<>();
    own(ground.requireHost(), ground.instance())
        .forEach(
            (node, label) -> {
              now.put(node.index(), node);
              Kept before = kept.get(node.index());
              if (before == null || !before.label().equals(label)) {
                kept.put(node.index(), found(node, label));
              }
            });
    for (Kept node : List.copyOf(kept.values())) {
      if (!now.containsKey(node.index())) {
        kept.remove(node.index());
        links.remove(node.label().export(), node.index());
      }
    }
    return now;
  }

  /** News of the kernel. */
  void died(int index) {
    kept.computeIfPresent(index, (key, node) -> node.waiting("its connection ended"));
  }

  /** Some news were lost, or none were listened to. */
  void mayHaveDied() {
    kept.replaceAll(
        (index, node) ->
            node.state() == State.CONNECTED ? node.waiting("looked after anew") : node);
  }

  /** Gives new connections to each node that waits. Those it cannot help stay as they are. */
  void repair() throws BlksnapException {
    turn.lock();
    try {
      Map<Integer, KernelNode> now = look();
      for (Kept node : List.copyOf(kept.values())) {
        if (node.state() != State.CONNECTED) {
          Kept next = repaired(node, now.get(node.index()));
          kept.put(node.index(), next);
          if (!next.detail().equals(node.detail())) {
            LOG.info(
                "/dev/nbd{} of \"{}\": {} {}",
                node.index(),
                node.label().export(),
                next.state(),
                next.detail());
          }
        }
      }
    } finally {
      turn.unlock();
    }
  }

  @GuardedBy("turn")
  private Kept repaired(Kept node, KernelNode now) {
    NodeLabel label = node.label();
    try {
      Path socket = served.socket();
      Optional<Export> export = served.export(label.export());
      if (export.isEmpty()) {
        return node.waiting("\"" + label.export() + "\" is not served");
      }
      NodeLabel today =
          served.label(label.instance(), export.get(), label.connections(), label.timeout());
      if (today.kind() != label.kind() || !today.identity().equals(label.identity())) {
        return node.lost(
            "\""
                + label.export()
                + "\" is another "
                + label.kind().name().toLowerCase(java.util.Locale.ROOT)
                + " now ("
                + today.identity()
                + ", was "
                + label.identity()
                + "): unmount the node and disconnect it by force");
      }
      NodeHost host = ground.requireHost();
      host.reconnect(node.index(), plan(label, socket, now.size()));
      Kept again = node.served();
      return again.linked(linkOf(host, again));
    } catch (BlksnapException refused) {
      return refused.errno() == Errno.ERANGE
          ? node.lost(refused.getMessage())
          : node.waiting(refused.getMessage());
    }
  }

  /** True while there is a node of ours, as far as is known. */
  boolean any() {
    return !kept.isEmpty();
  }
}
