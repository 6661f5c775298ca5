// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.node.NodePlan;

/** Connections to the server, each ready for the first request; closed here in any case. */
final class ServerLink implements AutoCloseable {
  /** Longest time until a server has accepted, and agreed, a connection. */
  static final Duration AGREEMENT_WAIT = Duration.ofSeconds(10);

  private final List<Descriptor> sockets = new ArrayList<>();
  private NbdGreeting.Terms terms;

  private ServerLink() {}

  /** As many as the plan says. ERANGE: they do not say the same, or not the size expected. */
  static ServerLink open(NodeCalls calls, NodePlan plan) throws BlksnapException {
    ServerLink link = new ServerLink();
    boolean open = false;
    try {
      for (int i = 0; i < plan.connections(); i++) {
        link.add(calls, plan);
      }
      link.check(plan);
      open = true;
      return link;
    } finally {
      if (!open) {
        link.close();
      }
    }
  }

  private void add(NodeCalls calls, NodePlan plan) throws BlksnapException {
    Deadline deadline = Deadline.in(AGREEMENT_WAIT);
    String name = "NBD server at " + plan.socket();
    Descriptor socket = Descriptor.socket(calls, name, NodeAbi.AF_UNIX, NodeAbi.SOCK_STREAM, 0);
    sockets.add(socket);
    sendTimeout(socket, AGREEMENT_WAIT.getSeconds());
    int answer = calls.connect(socket.number(), address(plan.socket()));
    if (answer == -NodeAbi.ECONNREFUSED || answer == -Errno.ENOENT.code()) {
      throw new BlksnapException(
          Errno.ESHUTDOWN, name + " not reached: nobody listens there; see blksnap:export-list");
    }
    socket.check("connect", answer);
    NbdGreeting.Terms said = new NbdGreeting(socket, plan.export(), deadline).negotiate();
    // The kernel waits for ever, as it does at other block devices.
    sendTimeout(socket, 0);
    if (terms != null && !terms.equals(said)) {
      throw new BlksnapException(
          Errno.ERANGE,
          "export \"" + plan.export() + "\" refused: it changed while it was connected; try again");
    }
    terms = said;
  }

  private void check(NodePlan plan) throws BlksnapException {
    if (plan.connections() > 1 && !terms.multiConn()) {
      throw new BlksnapException(
          Errno.EINVAL,
          plan.connections()
              + " connections to \""
              + plan.export()
              + "\" refused: the server does not say that they see one another's writes; use 1");
    }
    if (terms.size() < plan.size()) {
      throw new BlksnapException(
          Errno.ERANGE,
          "export \""
              + plan.export()
              + "\" of "
              + terms.size()
              + " bytes refused: the node has "
              + plan.size()
              + " and cannot lose its end; disconnect it and connect it anew");
    }
  }

  private static void sendTimeout(Descriptor socket, long seconds) throws BlksnapException {
    byte[] value =
        ByteBuffer.allocate(NodeAbi.TIMEVAL_SIZE)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(seconds)
            .array();
    socket.option("send timeout", NodeAbi.SOL_SOCKET, NodeAbi.SO_SNDTIMEO, value);
  }

  static byte[] address(Path socket) throws BlksnapException {
    byte[] path = socket.toString().getBytes(StandardCharsets.UTF_8);
    if (path.length > NodeAbi.SOCKET_PATH_MOST) {
      throw new BlksnapException(
          Errno.ENAMETOOLONG,
          socket
              + " refused: a socket's path has at most "
              + NodeAbi.SOCKET_PATH_MOST
              + " bytes; set socket_path of org.blksnap.nbd");
    }
    return ByteBuffer.allocate(NodeAbi.SOCKADDR_UN_SIZE)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort((short) NodeAbi.AF_UNIX)
        .put(path)
        .array();
  }

  NbdGreeting.Terms terms() {
    return terms;
  }

  int[] numbers() {
    return sockets.stream().mapToInt(Descriptor::number).toArray();
  }

  @Override
  public void close() {
    sockets.forEach(Descriptor::close);
  }
}
