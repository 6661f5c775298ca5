// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.thread;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** Threads that keep no process alive, numbered from 1. Any thread. */
public final class DaemonThreads {
  private DaemonThreads() {}

  /** Each thread is called {@code name-1}, {@code name-2} and so on. */
  public static ThreadFactory named(String name) {
    AtomicInteger number = new AtomicInteger();
    return work -> {
      Thread thread = new Thread(work, name + "-" + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }
}
