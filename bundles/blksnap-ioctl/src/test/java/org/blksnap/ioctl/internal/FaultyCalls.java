// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Answers what the test queued, 0 where nothing is queued, and writes down what was asked. */
class FaultyCalls implements NativeCalls {
  final List<String> asked = new ArrayList<>();
  final Deque<Long> answers = new ArrayDeque<>();

  FaultyCalls answer(long... values) {
    for (long value : values) {
      answers.add(value);
    }
    return this;
  }

  private synchronized long next(String call) {
    asked.add(call);
    Long answer = answers.poll();
    return answer == null ? 0 : answer;
  }

  @Override
  public int open(String path, int flags) {
    return (int) next("open " + path + " " + Integer.toHexString(flags));
  }

  @Override
  public int close(int fd) {
    return (int) next("close " + fd);
  }

  @Override
  public int ioctl(int fd, long request, long[] argument) {
    return (int) next("ioctl " + fd + " " + Long.toHexString(request));
  }

  @Override
  public int fallocate(int fd, int mode, long offset, long length) {
    return (int) next("fallocate " + fd);
  }

  @Override
  public long seek(int fd, long offset, int whence) {
    return next("seek " + fd);
  }

  @Override
  public int advise(int fd, long offset, long length, int advice) {
    return (int) next("advise " + fd);
  }

  @Override
  public long copyFileRange(int from, long fromOffset, int to, long toOffset, long length) {
    return next("copy " + from + "@" + fromOffset + " " + to + "@" + toOffset + " " + length);
  }

  @Override
  public int lock(int fd, int command, long[] flock) {
    return (int) next("lock " + fd + " " + command + " " + flock[1] + "+" + flock[2]);
  }

  @Override
  public int flock(int fd, int operation) {
    return (int) next("flock " + fd + " " + operation);
  }

  @Override
  public int lockMemory(ByteBuffer direct) {
    return (int) next("mlock " + direct.capacity());
  }
}
