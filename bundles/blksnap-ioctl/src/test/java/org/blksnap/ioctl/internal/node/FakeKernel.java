// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A kernel with an NBD client, as far as netlink shows it: it answers each order with what the test
 * prepared. Sockets of other kinds are those of the real system.
 */
final class FakeKernel implements NodeCalls {
  private static final int FIRST = 100_000;

  /** What an order is answered with: its errno, 0 for none, and data before that. */
  record Answer(int errno, String text, byte[] data) {}

  final NodeCalls system;

  /** By command; what is not there is answered with 0. */
  final Map<Integer, Answer> answers = new HashMap<>();

  /** Done as the command comes, before it is answered. */
  final Map<Integer, Runnable> effects = new HashMap<>();

  /** The commands in the order they came. */
  final List<Integer> orders = new ArrayList<>();

  /** Descriptors open now, of both kinds. */
  final Set<Integer> open = new HashSet<>();

  final Deque<byte[]> news = new ArrayDeque<>();
  boolean module = true;
  int openAnswer = -1;
  int receiveFailure;
  int marks;
  int locks;
  private final Map<Integer, Deque<byte[]>> waiting = new HashMap<>();
  private final Set<Integer> listeners = new HashSet<>();
  private int next = FIRST;

  FakeKernel(NodeCalls system) {
    this.system = system;
  }

  @Override
  public int socket(int domain, int type, int protocol) {
    int fd = domain == NodeAbi.AF_NETLINK ? next++ : system.socket(domain, type, protocol);
    open.add(fd);
    return fd;
  }

  @Override
  public int connect(int fd, byte[] address) {
    return system.connect(fd, address);
  }

  @Override
  public int bind(int fd, byte[] address) {
    waiting.put(fd, new ArrayDeque<>());
    return 0;
  }

  @Override
  public int setOption(int fd, int level, int name, byte[] value) {
    if (fd < FIRST) {
      return system.setOption(fd, level, name, value);
    }
    if (name == NodeAbi.NETLINK_ADD_MEMBERSHIP) {
      listeners.add(fd);
    }
    return 0;
  }

  @Override
  public long send(int fd, byte[] data) {
    if (fd < FIRST) {
      return system.send(fd, data);
    }
    ByteBuffer message = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    int type = message.getShort(4);
    int sequence = message.getInt(8);
    int command = message.get(16);
    if (type == 0x10) {
      byte[] family = NetlinkGoldenTest.bytes(NetlinkGoldenTest.FAMILY_ANSWER);
      answer(fd, sequence, module ? new Answer(0, "", family) : new Answer(2, "", null));
      return data.length;
    }
    orders.add(command);
    effects.getOrDefault(command, () -> {}).run();
    answer(fd, sequence, answers.getOrDefault(command, new Answer(0, "", null)));
    return data.length;
  }

  private void answer(int fd, int sequence, Answer answer) {
    if (answer.data() != null) {
      byte[] data = answer.data().clone();
      ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).putInt(8, sequence);
      waiting.get(fd).add(data);
    }
    byte[] text = answer.text().getBytes();
    int words = text.length == 0 ? 0 : Attributes.padded(4 + text.length + 1);
    ByteBuffer last = ByteBuffer.allocate(36 + words).order(ByteOrder.LITTLE_ENDIAN);
    last.putInt(last.capacity()).putShort((short) 2).putShort((short) (words > 0 ? 0x300 : 0x100));
    last.putInt(sequence).putInt(0).putInt(-answer.errno());
    if (words > 0) {
      last.putShort(36, (short) (4 + text.length + 1)).putShort(38, (short) 1);
      last.put(40, text);
    }
    waiting.get(fd).add(last.array());
  }

  @Override
  public long receive(int fd, byte[] into, int flags) {
    if (fd < FIRST) {
      return system.receive(fd, into, flags);
    }
    if (receiveFailure != 0) {
      int failure = receiveFailure;
      receiveFailure = 0;
      return failure;
    }
    byte[] datagram = queue(fd).poll();
    if (datagram == null) {
      return -11;
    }
    System.arraycopy(datagram, 0, into, 0, datagram.length);
    return datagram.length;
  }

  private Deque<byte[]> queue(int fd) {
    return listeners.contains(fd) ? news : waiting.get(fd);
  }

  @Override
  public int poll(int fd, short events, int timeout) {
    if (fd < FIRST) {
      return system.poll(fd, events, timeout);
    }
    boolean ready = events == NodeAbi.POLLOUT || receiveFailure != 0 || !queue(fd).isEmpty();
    return ready ? 1 : 0;
  }

  @Override
  public int close(int fd) {
    if (!open.remove(fd)) {
      throw new IllegalStateException("descriptor " + fd + " closed twice");
    }
    return fd < FIRST ? system.close(fd) : 0;
  }

  /** Of nodes. */
  @Override
  public int open(String path, int flags) {
    if (openAnswer < 0) {
      return openAnswer;
    }
    int fd = next++;
    open.add(fd);
    return fd;
  }

  @Override
  public int fsync(int fd) {
    return 0;
  }

  @Override
  public int prctl(int option, long argument) {
    marks++;
    return 0;
  }

  @Override
  public int lockAll(int flags) {
    locks++;
    return 0;
  }
}
