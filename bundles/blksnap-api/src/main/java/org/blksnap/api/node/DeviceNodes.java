// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.node;

import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Exports as block devices of this host: the kernel's NBD client on the unix socket of the NBD
 * server. A node outlives this process: while nobody serves it, I/O on it waits, and an engine that
 * starts on the same state directory within the node's timeout goes on with it.
 *
 * <p>Thread rule: any thread. Connecting and disconnecting may take some 20 s at the worst.
 */
@ProviderType
public interface DeviceNodes {
  /**
   * Connects an export to a node.
   *
   * <p>ENOENT: nothing is served under that name. ENODEV: the kernel has no module {@code nbd}
   * loaded, or there is no such node. EPERM: this process may not. EBUSY: the node is connected
   * already. EALREADY: the export has a node already. EINVAL: the NBD server has no unix socket, or
   * a value is out of its range. ENAMETOOLONG: names and paths are too long for a node's label.
   * ESHUTDOWN: the NBD server, the engine or the bundle of system calls is not there.
   */
  DeviceNode connect(NodeRequest request) throws BlksnapException;

  /**
   * Disconnects a node of ours, known by its path, its kernel's name or its export.
   *
   * <p>ENODEV: no such node of ours. EBUSY: it is in use; the message says by what. EAGAIN: it is
   * waiting for its server, so what was written cannot be stored now. With {@code force} it is
   * disconnected all the same: I/O fails from then on, and what was not stored is lost.
   */
  void disconnect(String node, boolean force) throws BlksnapException;

  /** The nodes of ours, in order of their index. ESHUTDOWN: see above. Does not wait. */
  List<DeviceNode> list() throws BlksnapException;
}
