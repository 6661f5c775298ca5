// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.node.ConnectedNode;
import org.blksnap.spi.node.DeadLinks;
import org.blksnap.spi.node.KernelNode;
import org.blksnap.spi.node.NodeHost;
import org.blksnap.spi.node.NodePlan;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Nodes by generic netlink. Holds no state: each call has a socket of its own and asks the kernel
 * which number its NBD client has now, since the module may have been loaded anew.
 */
@Component(service = NodeHost.class)
public final class LinuxNodeHost implements NodeHost {
  /** Longest wait until the kernel shows, or lets go of, a node. */
  static final Duration SETTLE_WAIT = Duration.ofSeconds(5);

  /** The kernel's own choice is 30 s, for which a node would stand still after a reconnection. */
  static final Duration LOOK_AFTER = Duration.ofSeconds(5);

  /** The kernel takes block sizes from a sector to a page. */
  static final int LEAST_BLOCK = 512;

  static final int MOST_BLOCK = 4096;

  private static final long SETTLE_PAUSE_MILLIS = 20;
  private static final int CAP_SYS_ADMIN = 21;

  private final NodeCalls calls;
  private final NodeFiles files;
  private final Privileges privileges;

  LinuxNodeHost(NodeCalls calls, Path block, Path process) {
    this.calls = calls;
    this.files = new NodeFiles(block);
    this.privileges = new Privileges(process);
  }

  /** Not registered where native access is not possible; the host's examination says why. */
  @Activate
  public LinuxNodeHost() throws BlksnapException {
    this(LibcNodeCalls.load(), Path.of("/sys/block"), Path.of("/proc/self"));
  }

  @Override
  public void require() throws BlksnapException {
    try (NetlinkSocket kernel = NetlinkSocket.open(calls)) {
      NbdFamily.find(kernel);
    }
    if (!privileges.has(CAP_SYS_ADMIN)) {
      throw new BlksnapException(
          Errno.EPERM,
          "device nodes refused: this process has no CAP_SYS_ADMIN; run it as root, or give it"
              + " that right (AmbientCapabilities=CAP_SYS_ADMIN of a systemd unit)");
    }
  }

  @Override
  public List<KernelNode> nodes() throws BlksnapException {
    try (NetlinkSocket kernel = NetlinkSocket.open(calls)) {
      NbdFamily family = NbdFamily.find(kernel);
      Map<Integer, Boolean> known =
          NbdFamily.nodes(kernel.ask("the list of nodes", family.status()));
      return known.keySet().stream().map(files::node).toList();
    }
  }

  @Override
  public ConnectedNode connect(OptionalInt index, NodePlan plan) throws BlksnapException {
    require();
    try (NetlinkSocket kernel = NetlinkSocket.open(calls);
        ServerLink link = ServerLink.open(calls, plan)) {
      NbdFamily family = NbdFamily.find(kernel);
      NbdGreeting.Terms said = link.terms();
      NbdFamily.Terms terms =
          new NbdFamily.Terms(
              said.size(),
              blockSize(said),
              plan.requestTimeout().getSeconds(),
              said.flags(),
              plan.deadTimeout().getSeconds());
      String what =
          "connection of " + index.stream().mapToObj(Node::name).findFirst().orElse("a node");
      int node =
          NbdFamily.connected(
                  kernel.ask(what, family.connect(index, terms, link.numbers(), plan.label())))
              .orElse(index.orElse(-1));
      if (node < 0) {
        throw new BlksnapException(Errno.EIO, "the kernel connected a node and did not say which");
      }
      requireLabel(kernel, family, node, plan.label());
      if (plan.requestTimeout().isZero()) {
        files.lookAfter(node, LOOK_AFTER);
      }
      return new ConnectedNode(node, said.size(), terms.blockSize(), said.readOnly());
    }
  }

  private void requireLabel(NetlinkSocket kernel, NbdFamily family, int node, String label)
      throws BlksnapException {
    if (!settled(() -> files.label(node).equals(label))) {
      kernel.ask("disconnection of " + Node.name(node), family.disconnect(node));
      throw new BlksnapException(
          Errno.EOPNOTSUPP,
          Node.name(node)
              + " disconnected again: this kernel does not keep the label by which the node would"
              + " be found after a restart; use Linux 5.14 or newer");
    }
  }

  @Override
  public ConnectedNode reconnect(int index, NodePlan plan) throws BlksnapException {
    if (!files.connected(index) || !files.label(index).equals(plan.label())) {
      throw new BlksnapException(
          Errno.EINVAL,
          Node.name(index)
              + " not reconnected: "
              + (files.connected(index) ? "it bears another label" : "it is not connected"));
    }
    try (NetlinkSocket kernel = NetlinkSocket.open(calls);
        ServerLink link = ServerLink.open(calls, plan)) {
      NbdFamily family = NbdFamily.find(kernel);
      long timeout = plan.deadTimeout().getSeconds();
      NbdGreeting.Terms said = link.terms();
      kernel.ask(
          "reconnection of " + Node.name(index),
          family.reconfigure(index, said.size(), timeout, link.numbers(), plan.label()));
      return new ConnectedNode(index, said.size(), blockSize(said), said.readOnly());
    }
  }

  private static int blockSize(NbdGreeting.Terms said) throws BlksnapException {
    int block = Math.max(LEAST_BLOCK, said.leastBlock());
    if (block > MOST_BLOCK || Integer.bitCount(block) != 1) {
      throw new BlksnapException(
          Errno.EINVAL,
          "blocks of "
              + block
              + " bytes refused: a node has a power of two from "
              + LEAST_BLOCK
              + " to "
              + MOST_BLOCK);
    }
    return block;
  }

  @Override
  public void disconnect(int index, boolean force) throws BlksnapException {
    if (!files.connected(index)) {
      return;
    }
    Descriptor held = force ? null : hold(index);
    try (NetlinkSocket kernel = NetlinkSocket.open(calls)) {
      NbdFamily family = NbdFamily.find(kernel);
      kernel.ask("disconnection of " + Node.name(index), family.disconnect(index));
    } finally {
      if (held != null) {
        held.close();
      }
    }
    if (!settled(() -> !files.connected(index))) {
      throw new BlksnapException(
          Errno.EBUSY,
          Node.name(index)
              + " is disconnected, but another process keeps it open; end that, then it is free");
    }
  }

  /** Nobody mounts or claims it from here on, and what was written is stored. */
  private Descriptor hold(int index) throws BlksnapException {
    String path = Node.name(index);
    int fd = calls.open(path, NodeAbi.O_RDONLY | NodeAbi.O_EXCL | NodeAbi.O_CLOEXEC);
    if (fd == -Errno.EBUSY.code()) {
      throw new BlksnapException(
          Errno.EBUSY,
          path
              + " refused: it is mounted, swapped to or part of another device; end that first"
              + " (umount, swapoff), or force it and lose what was not stored");
    }
    if (fd < 0) {
      throw Descriptor.failure(path + ": open", fd);
    }
    Descriptor held = new Descriptor(calls, path, fd);
    boolean stored = false;
    try {
      held.check("fsync", calls.fsync(fd));
      stored = true;
      return held;
    } finally {
      if (!stored) {
        held.close();
      }
    }
  }

  @Override
  public DeadLinks deadLinks() throws BlksnapException {
    return KernelNews.open(calls);
  }

  @Override
  public void markServing() throws BlksnapException {
    int answer = calls.prctl(NodeAbi.PR_SET_IO_FLUSHER, 1);
    if (answer < 0) {
      throw Descriptor.failure("prctl(PR_SET_IO_FLUSHER)", answer);
    }
  }

  @Override
  public void lockMemory() throws BlksnapException {
    privileges.requireUnlimitedMemory();
    int flags = NodeAbi.MCL_CURRENT | NodeAbi.MCL_FUTURE | NodeAbi.MCL_ONFAULT;
    int answer = calls.lockAll(flags);
    if (answer < 0) {
      throw Descriptor.failure("mlockall", answer);
    }
  }

  /** A fact of the kernel's files. */
  private interface Fact {
    boolean holds();
  }

  private static boolean settled(Fact fact) {
    Deadline deadline = Deadline.in(SETTLE_WAIT);
    while (!fact.holds()) {
      if (deadline.left() == 0) {
        return false;
      }
      try {
        Thread.sleep(SETTLE_PAUSE_MILLIS);
      } catch (InterruptedException broken) {
        Thread.currentThread().interrupt();
        return fact.holds();
      }
    }
    return true;
  }

  /** Names of nodes in messages. */
  private static final class Node {
    static String name(int index) {
      return "/dev/nbd" + index;
    }
  }
}
