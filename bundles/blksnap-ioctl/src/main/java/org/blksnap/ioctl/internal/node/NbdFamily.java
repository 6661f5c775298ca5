// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The orders of the kernel's NBD client.
 *
 * <pre>
 * command            attributes
 * 1 CONNECT          1 index u32 (none: any), 2 size u64, 3 block size u64, 4 timeout u64 s,
 *                    5 server flags u64, 6 client flags u64, 7 sockets, 8 dead timeout u64 s,
 *                    10 label text; answers 1 index
 * 2 DISCONNECT       1 index
 * 3 RECONFIGURE      1 index, 2 size, 7 sockets, 8 dead timeout, 10 label (must be the node's)
 * 4 LINK_DEAD        1 index; news of the group nbd_mc_group
 * 5 STATUS           none; answers 9: items of {1 index u32, 2 in use u8}
 *
 * sockets            items (type 1) of {1 descriptor u32}
 * </pre>
 *
 * @param number the family's, as of this boot and this loading of the module
 * @param group of the news; 0 where the kernel has none
 */
record NbdFamily(int number, int group) {
  static final String NAME = "nbd";
  static final String GROUP = "nbd_mc_group";
  static final int VERSION = 1;

  static final int CONNECT = 1;
  static final int DISCONNECT = 2;
  static final int RECONFIGURE = 3;
  static final int LINK_DEAD = 4;
  static final int STATUS = 5;

  static final int INDEX = 1;
  static final int SIZE = 2;
  static final int BLOCK_SIZE = 3;
  static final int TIMEOUT = 4;
  static final int SERVER_FLAGS = 5;
  static final int CLIENT_FLAGS = 6;
  static final int SOCKETS = 7;
  static final int DEAD_TIMEOUT = 8;
  static final int DEVICE_LIST = 9;
  static final int LABEL = 10;
  static final int ITEM = 1;
  static final int SOCKET_DESCRIPTOR = 1;
  static final int DEVICE_INDEX = 1;
  static final int DEVICE_IN_USE = 2;

  private static final int CONTROL = 0x10;
  private static final int GET_FAMILY = 3;
  private static final int FAMILY_ID = 1;
  private static final int FAMILY_NAME = 2;
  private static final int FAMILY_GROUPS = 7;
  private static final int GROUP_NAME = 1;
  private static final int GROUP_ID = 2;

  /** What a connection is made with, beside its sockets and its label. */
  record Terms(long size, int blockSize, long timeout, int serverFlags, long deadTimeout) {}

  static NetlinkRequest whichNumber() {
    return new NetlinkRequest(CONTROL, GET_FAMILY, 1).text(FAMILY_NAME, NAME);
  }

  /** ENODEV: the module is not loaded. */
  static NbdFamily find(NetlinkSocket kernel) throws BlksnapException {
    List<NetlinkReply> data;
    try {
      data = kernel.ask("the kernel's NBD client", whichNumber());
    } catch (KernelRefusal refusal) {
      if (refusal.number() == Errno.ENOENT.code()) {
        throw new BlksnapException(
            Errno.ENODEV,
            "the kernel has no NBD client: its module nbd is not loaded; as root: modprobe nbd",
            refusal);
      }
      throw refusal;
    }
    for (NetlinkReply reply : data) {
      long number = reply.attributes().number(FAMILY_ID).orElse(0L);
      if (number > 0) {
        return new NbdFamily((int) number, group(reply.attributes().within(FAMILY_GROUPS)));
      }
    }
    throw new BlksnapException(Errno.EIO, "the kernel named its NBD client without a number");
  }

  private static int group(Attributes groups) {
    for (Attributes each : groups.items()) {
      if (each.text(GROUP_NAME).filter(GROUP::equals).isPresent()) {
        return each.number(GROUP_ID).orElse(0L).intValue();
      }
    }
    return 0;
  }

  NetlinkRequest connect(OptionalInt index, Terms terms, int[] sockets, String label) {
    NetlinkRequest request = new NetlinkRequest(number, CONNECT, VERSION);
    index.ifPresent(node -> request.number32(INDEX, node));
    request
        .number64(SIZE, terms.size())
        .number64(BLOCK_SIZE, terms.blockSize())
        .number64(TIMEOUT, terms.timeout())
        .number64(SERVER_FLAGS, terms.serverFlags())
        .number64(CLIENT_FLAGS, 0)
        .number64(DEAD_TIMEOUT, terms.deadTimeout());
    return sockets(request, sockets).text(LABEL, label);
  }

  NetlinkRequest reconfigure(int index, long size, long deadTimeout, int[] sockets, String label) {
    NetlinkRequest request =
        new NetlinkRequest(number, RECONFIGURE, VERSION)
            .number32(INDEX, index)
            .number64(SIZE, size)
            .number64(DEAD_TIMEOUT, deadTimeout);
    return sockets(request, sockets).text(LABEL, label);
  }

  private static NetlinkRequest sockets(NetlinkRequest request, int[] sockets) {
    int all = request.begin(SOCKETS | Attributes.NESTED);
    for (int socket : sockets) {
      int item = request.begin(ITEM | Attributes.NESTED);
      request.number32(SOCKET_DESCRIPTOR, socket).end(item);
    }
    return request.end(all);
  }

  NetlinkRequest disconnect(int index) {
    return new NetlinkRequest(number, DISCONNECT, VERSION).number32(INDEX, index);
  }

  NetlinkRequest status() {
    return new NetlinkRequest(number, STATUS, VERSION);
  }

  /** The index in the answer to {@link #connect}. */
  static OptionalInt connected(List<NetlinkReply> data) {
    return data.stream()
        .filter(reply -> reply.command() == CONNECT)
        .flatMap(reply -> reply.attributes().number(INDEX).stream())
        .mapToInt(Long::intValue)
        .findFirst();
  }

  /** Whether each node is in use. */
  static Map<Integer, Boolean> nodes(List<NetlinkReply> data) {
    Map<Integer, Boolean> nodes = new TreeMap<>();
    for (NetlinkReply reply : data) {
      for (Attributes item : reply.attributes().within(DEVICE_LIST).items()) {
        item.number(DEVICE_INDEX)
            .ifPresent(
                index -> nodes.put(index.intValue(), item.number(DEVICE_IN_USE).orElse(0L) != 0));
      }
    }
    return nodes;
  }
}
