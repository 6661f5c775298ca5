// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.BlksnapEventListener;
import org.blksnap.api.health.Finding;

/**
 * Tells listeners, each in a thread and from a backlog of its own ({@link ListenerThread}): one
 * that hangs holds up itself and nobody else.
 *
 * <p>An offer appends to the backlogs and never waits for a listener. The monitor guards who
 * listens, and is not held while a listener runs.
 */
final class EventDispatcher implements AutoCloseable {
  /** By identity: a listener's own {@code equals} is foreign code. */
  @GuardedBy("this")
  private final Map<BlksnapEventListener, ListenerThread> listeners = new IdentityHashMap<>();

  @GuardedBy("this")
  private boolean closed;

  synchronized void add(BlksnapEventListener listener) {
    if (!closed && !listeners.containsKey(listener)) {
      listeners.put(listener, ListenerThread.started(listener));
    }
  }

  void remove(BlksnapEventListener listener) {
    ListenerThread thread;
    synchronized (this) {
      thread = listeners.remove(listener);
    }
    if (thread != null) {
      thread.leave();
    }
  }

  void offer(BlksnapEvent event) {
    present().forEach(listener -> listener.offer(event));
  }

  private synchronized List<ListenerThread> present() {
    return new ArrayList<>(listeners.values());
  }

  /** A line for each listener that hangs. */
  List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    present().forEach(listener -> listener.finding().ifPresent(findings::add));
    return findings;
  }

  /** Tells what was offered, within {@link ListenerThread#DRAIN_LIMIT}, then stops. Idempotent. */
  @Override
  public void close() {
    List<ListenerThread> left;
    synchronized (this) {
      closed = true;
      left = new ArrayList<>(listeners.values());
      listeners.clear();
    }
    left.forEach(ListenerThread::drain);
    long deadline = System.nanoTime() + ListenerThread.DRAIN_LIMIT.toNanos();
    for (ListenerThread listener : left) {
      listener.end(TimeUnit.NANOSECONDS.toMillis(Math.max(0, deadline - System.nanoTime())));
    }
  }
}
