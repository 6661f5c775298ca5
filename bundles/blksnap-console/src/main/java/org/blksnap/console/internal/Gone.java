// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;

/** What is to end when a client is gone; it happens once, also for what is added afterwards. */
final class Gone {
  @GuardedBy("this")
  private final List<Runnable> ends = new ArrayList<>();

  @GuardedBy("this")
  private boolean gone;

  void whenGone(Runnable end) {
    synchronized (this) {
      if (!gone) {
        ends.add(end);
        return;
      }
    }
    end.run();
  }

  synchronized boolean isGone() {
    return gone;
  }

  void gone() {
    List<Runnable> now;
    synchronized (this) {
      gone = true;
      now = List.copyOf(ends);
      ends.clear();
    }
    now.forEach(Runnable::run);
  }
}
