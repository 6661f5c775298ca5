// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.blksnap.ioctl.internal.layout.Layout;

/**
 * A kernel that answers what the test tells it to: nodes are names, memory is had by made-up
 * addresses, and every call is written down.
 */
class FakeKernel implements ModuleCalls {
  /** What a call does: the argument as the kernel sees it. */
  interface Answer {
    int to(ByteBuffer argument) throws Exception;
  }

  private static final int SPACING = 40;

  /** {@code open path}, {@code ioctl path word}, {@code close path}. */
  final List<String> asked = new ArrayList<>();

  /** The arguments of the ioctls, in hex, as they were handed over. */
  final List<String> arguments = new ArrayList<>();

  final Map<Integer, String> open = new HashMap<>();
  final Map<Integer, Integer> flags = new HashMap<>();
  private final Deque<Integer> openings = new ArrayDeque<>();
  private final Map<Long, Deque<Answer>> answers = new HashMap<>();
  private final Map<Long, WeakReference<ByteBuffer>> memory = new HashMap<>();
  private int lastFd = 10;
  private long lastAddress;

  /** The next open(2) fails with that errno. */
  synchronized void refuseOpen(int errno) {
    openings.add(-errno);
  }

  /** The next call with that word, each in its turn; 0 where nothing is told. */
  synchronized FakeKernel on(long word, Answer answer) {
    answers.computeIfAbsent(word, each -> new ArrayDeque<>()).add(answer);
    return this;
  }

  /** The same for a number of times. */
  synchronized FakeKernel on(long word, int times, Answer answer) {
    for (int i = 0; i < times; i++) {
      on(word, answer);
    }
    return this;
  }

  /** What is at an address that some call was given. */
  synchronized ByteBuffer at(long address) {
    ByteBuffer buffer = memory.get(address >>> SPACING).get();
    if (buffer == null) {
      throw new AssertionError("the kernel was handed memory that nobody holds");
    }
    int offset = (int) (address & (1L << SPACING) - 1);
    return Layout.buffer(buffer.duplicate().clear().position(offset).slice());
  }

  String text(long address) {
    ByteBuffer bytes = at(address);
    StringBuilder text = new StringBuilder();
    for (byte b = bytes.get(); b != 0; b = bytes.get()) {
      text.append((char) b);
    }
    return text.toString();
  }

  long count(String call) {
    return asked.stream().filter(call::equals).count();
  }

  @Override
  public synchronized int open(String path, int openFlags) {
    asked.add("open " + path);
    Integer told = openings.poll();
    if (told != null) {
      return told;
    }
    open.put(++lastFd, path);
    flags.put(lastFd, openFlags);
    return lastFd;
  }

  @Override
  public synchronized int close(int fd) {
    String path = open.remove(fd);
    if (path == null) {
      throw new AssertionError("descriptor " + fd + " is closed twice");
    }
    asked.add("close " + path);
    return 0;
  }

  @Override
  public int ioctl(int fd, long request, long address) {
    Answer answer;
    ByteBuffer argument;
    synchronized (this) {
      String path = open.get(fd);
      if (path == null) {
        throw new AssertionError("ioctl on the closed descriptor " + fd);
      }
      asked.add("ioctl " + path + " " + Long.toHexString(request));
      argument = at(address);
      int size = (int) (request >>> 16 & 0x3fff);
      byte[] bytes = new byte[size];
      argument.get(0, bytes);
      arguments.add(HexFormat.of().formatHex(bytes));
      Deque<Answer> told = answers.get(request);
      answer = told == null ? null : told.poll();
    }
    try {
      return answer == null ? 0 : answer.to(argument);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public synchronized long address(ByteBuffer direct) {
    if (!direct.isDirect()) {
      throw new AssertionError("the kernel was handed the address of a heap buffer");
    }
    memory.put(++lastAddress, new WeakReference<>(direct));
    return lastAddress << SPACING;
  }

  @Override
  public int thread() {
    return (int) Thread.currentThread().getId();
  }

  @Override
  public int signal(int thread, int signal) {
    return 0;
  }

  @Override
  public int handle(int signal) {
    return 0;
  }
}
