// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.Snapshot;

/**
 * Where the events of one snapshot wait: in one queue for whoever calls {@code wait_event}, and in
 * one more for each subscriber. Subscribers' queues belong to them: only a weak reference is kept,
 * so a queue whose owner is gone without a word goes with it, and frees its place.
 *
 * <p>Not thread-safe: the {@link EventRelay}'s monitor guards it. The queues themselves are.
 */
final class SnapshotQueues {
  private final UUID snapshot;
  private final EventQueue untaken;
  private final List<WeakReference<EventQueue>> subscribers = new ArrayList<>();

  SnapshotQueues(UUID snapshot) {
    this.snapshot = snapshot;
    this.untaken = new EventQueue(snapshot, List.of());
  }

  /** Behind {@code wait_event}. */
  EventQueue untaken() {
    return untaken;
  }

  void offer(BlksnapEvent.OfSnapshot event) {
    if (event instanceof BlksnapEvent.LowFreeSpace || event instanceof BlksnapEvent.Corrupted) {
      untaken.offer(event);
    }
    present().forEach(queue -> queue.offer(event));
  }

  EventQueue subscribe() throws BlksnapException {
    untaken.requireOpen();
    if (present().size() >= Snapshot.MOST_SUBSCRIPTIONS) {
      throw new BlksnapException(
          Errno.EAGAIN,
          "a subscription to events of snapshot "
              + snapshot
              + " refused: "
              + Snapshot.MOST_SUBSCRIPTIONS
              + " are open, and no more are allowed at once; close one");
    }
    EventQueue queue = new EventQueue(snapshot, untaken.waiting());
    subscribers.add(new WeakReference<>(queue));
    return queue;
  }

  /** Those that are open; the others are forgotten. */
  private List<EventQueue> present() {
    List<EventQueue> present = new ArrayList<>();
    subscribers.removeIf(
        reference -> {
          EventQueue queue = reference.get();
          boolean open = queue != null && queue.isOpen();
          if (open) {
            present.add(queue);
          }
          return !open;
        });
    return present;
  }

  /** Waiters wake; what subscribers have not taken yet they can still take. */
  void end(Errno why) {
    untaken.drop(why);
    present().forEach(queue -> queue.end(why));
  }
}
