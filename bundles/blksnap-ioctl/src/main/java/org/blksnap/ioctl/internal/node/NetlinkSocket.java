// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * Talks with generic netlink: one request, its data, its last word. One thread at a time.
 *
 * <p>What does not bear the number of the request (a late answer to one that was given up) is
 * passed over.
 */
final class NetlinkSocket implements AutoCloseable {
  /** Longest wait for an answer of the kernel. */
  static final Duration ANSWER_WAIT = Duration.ofSeconds(10);

  /** Largest datagram; a list of 2000 nodes fits. */
  private static final int MOST_BYTES = 65536;

  /** Datagrams of one answer. */
  private static final int MOST_DATAGRAMS = 64;

  private final Descriptor socket;
  private int sequence;

  NetlinkSocket(Descriptor socket) {
    this.socket = socket;
  }

  static NetlinkSocket open(NodeCalls calls) throws BlksnapException {
    Descriptor socket =
        Descriptor.socket(
            calls,
            "generic netlink",
            NodeAbi.AF_NETLINK,
            NodeAbi.SOCK_RAW,
            NodeAbi.NETLINK_GENERIC);
    boolean open = false;
    try {
      byte[] address = new byte[NodeAbi.SOCKADDR_NL_SIZE];
      address[0] = NodeAbi.AF_NETLINK;
      socket.check("bind", calls.bind(socket.number(), address));
      // Both came with Linux 4.12 and 4.3; without them an error has only its number.
      calls.setOption(socket.number(), NodeAbi.SOL_NETLINK, NodeAbi.NETLINK_EXT_ACK, number(1));
      calls.setOption(socket.number(), NodeAbi.SOL_NETLINK, NodeAbi.NETLINK_CAP_ACK, number(1));
      open = true;
      return new NetlinkSocket(socket);
    } finally {
      if (!open) {
        socket.close();
      }
    }
  }

  private static byte[] number(int value) {
    return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
  }

  /**
   * Sends and answers the data that came before the last word.
   *
   * @param what is asked, for the message of a failure
   */
  List<NetlinkReply> ask(String what, NetlinkRequest request) throws BlksnapException {
    Deadline deadline = Deadline.in(ANSWER_WAIT);
    int own = ++sequence;
    socket.send(request.bytes(own), deadline);
    List<NetlinkReply> data = new ArrayList<>();
    for (int datagrams = 0; datagrams < MOST_DATAGRAMS; datagrams++) {
      for (NetlinkReply reply : receive(deadline)) {
        if (reply.sequence() != own) {
          continue;
        }
        if (!reply.last()) {
          data.add(reply);
        } else if (reply.error() == 0) {
          return data;
        } else {
          throw new KernelRefusal(what, -reply.error(), reply.text());
        }
      }
    }
    throw new BlksnapException(
        Errno.EIO, what + ": the kernel gave no last word in " + MOST_DATAGRAMS + " datagrams");
  }

  /** The messages of one datagram. */
  List<NetlinkReply> receive(Deadline deadline) throws BlksnapException {
    byte[] datagram = new byte[MOST_BYTES];
    int length = socket.receive(datagram, NodeAbi.MSG_TRUNC | NodeAbi.MSG_DONTWAIT, deadline);
    if (length > datagram.length) {
      throw new BlksnapException(
          Errno.EOVERFLOW, "generic netlink: an answer of " + length + " bytes was cut off");
    }
    return NetlinkReply.parse(datagram, length);
  }

  boolean ready(Deadline deadline) throws BlksnapException {
    return socket.ready(NodeAbi.POLLIN, deadline);
  }

  void join(int group) throws BlksnapException {
    socket.option(
        "join of group " + group,
        NodeAbi.SOL_NETLINK,
        NodeAbi.NETLINK_ADD_MEMBERSHIP,
        number(group));
  }

  @Override
  public void close() {
    socket.close();
  }
}
