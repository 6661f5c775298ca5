// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.node;

import java.util.List;
import java.util.OptionalInt;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The NBD client of this host's kernel. Each call ends within a bound: a negotiation within 10 s,
 * an order to the kernel within 10 s. Any thread; calls about the same node one after another.
 */
@ProviderType
public interface NodeHost {
  /**
   * Fails where no node could be connected now. ENODEV: the kernel has no module {@code nbd}
   * loaded; EPERM: this process has no CAP_SYS_ADMIN; ENOSYS: the kernel has no generic netlink.
   */
  void require() throws BlksnapException;

  /** Every node the kernel has, connected or not, in order of index. ENODEV: no module. */
  List<KernelNode> nodes() throws BlksnapException;

  /**
   * Connects to the server's unix socket, negotiates the export, and gives the connections to the
   * kernel. Nothing is left behind where it fails, but for EOPNOTSUPP below.
   *
   * <p>EBUSY: the node is connected already. ENOENT: the server has no such export. ERANGE: the
   * export is smaller than the plan expects. EINVAL: several connections, and the server does not
   * say that they see one another's writes. EOPNOTSUPP: the kernel does not keep the label (it is
   * older than 5.14); the node was disconnected again. ETIMEDOUT: server or kernel did not answer.
   *
   * @param index the node's, or empty for the first that is free
   */
  ConnectedNode connect(OptionalInt index, NodePlan plan) throws BlksnapException;

  /**
   * Gives the kernel new connections in place of those that are dead; one that lives stays. So it
   * does nothing where all live. What waits in the kernel for a connection goes on; requests that
   * were under way on the old one are sent again after their timeout, or within 5 s where there is
   * none. A node whose export has grown grows with it.
   *
   * <p>EINVAL: the node is not connected, or bears another label than the plan. ERANGE: the export
   * is smaller than the plan expects. Others as {@link #connect}.
   */
  ConnectedNode reconnect(int index, NodePlan plan) throws BlksnapException;

  /**
   * Disconnects. With {@code force} at once, whoever uses it: their I/O fails, and what was written
   * but not yet stored is lost. Without, EBUSY where the node is mounted, swapped to or held by
   * another device; what was written is stored first. Does nothing where it is not connected.
   * Returns when the kernel has let go; EBUSY after 5 s where another process keeps the node open.
   */
  void disconnect(int index, boolean force) throws BlksnapException;

  /** Begins to listen for connections that die. ENODEV: no module. */
  DeadLinks deadLinks() throws BlksnapException;

  /**
   * Tells the kernel that the calling thread serves a block device of this host: its allocations
   * never wait for pages to be written, and its own writes are not held up for the sake of others
   * (PR_SET_IO_FLUSHER). Lasts as long as the thread; threads it makes are marked too. EPERM: no
   * CAP_SYS_RESOURCE; EINVAL: the kernel is older than 5.6.
   */
  void markServing() throws BlksnapException;

  /**
   * Keeps what this process has in memory there, pages touched later included (mlockall with
   * MCL_ONFAULT). Lasts as long as the process. EPERM or ENOMEM: the limit of locked memory is not
   * "unlimited" and CAP_IPC_LOCK is missing; nothing is locked then, since later allocations would
   * fail.
   */
  void lockMemory() throws BlksnapException;
}
