// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.nio.channels.SocketChannel;
import java.util.Map;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The way by which connections follow that had a request under way when their server was parked.
 *
 * <p>Their threads finish what was begun with the old code, since a request must not be repeated
 * while its first execution may still come. Each then hands its parcel over and ends. JDK types
 * alone, because both sides may be of different versions; a server that is parked before all have
 * come leaves the same two objects to its own successor.
 *
 * <p>Invariant: a straggler owns its socket until somebody has taken it, and closes it where nobody
 * does within {@link #OFFER_SECONDS}.
 */
public final class Stragglers {
  static final String QUEUE = "late:queue";
  static final String EXPECTED = "late:expected";

  /** Longest time a finished straggler waits for a successor; a hand-over takes 15 s at most. */
  static final long OFFER_SECONDS = 20;

  private final LinkedTransferQueue<Object> queue;
  private final AtomicInteger expected;

  public Stragglers() {
    this(new LinkedTransferQueue<>(), new AtomicInteger());
  }

  private Stragglers(LinkedTransferQueue<Object> queue, AtomicInteger expected) {
    this.queue = queue;
    this.expected = expected;
  }

  /** What a predecessor left; none expected where it left nothing. */
  @SuppressWarnings("unchecked")
  public static Stragglers of(Map<?, ?> left) {
    return left.get(QUEUE) instanceof LinkedTransferQueue<?> queue
            && left.get(EXPECTED) instanceof AtomicInteger expected
        ? new Stragglers((LinkedTransferQueue<Object>) queue, expected)
        : new Stragglers();
  }

  public void leave(Map<String, Object> left) {
    if (expected.get() > 0) {
      left.put(QUEUE, queue);
      left.put(EXPECTED, expected);
    }
  }

  /** One more will come, or will say that it does not. */
  void expect() {
    expected.incrementAndGet();
  }

  /** One that was expected ended instead. */
  void ended() {
    expected.decrementAndGet();
  }

  public int expected() {
    return expected.get();
  }

  /** Hands a parcel over; false where nobody took it in time. */
  boolean deliver(Parcel parcel) {
    try {
      return queue.tryTransfer(
          Map.of(Parcel.CHANNEL, parcel.channel(), Parcel.STATE, parcel.state()),
          OFFER_SECONDS,
          TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      expected.decrementAndGet();
    }
  }

  /** Takes the next one. */
  public interface Receiver {
    void resume(SocketChannel channel, Object state);
  }

  /** Waits up to the time for one to come. */
  public void receive(long millis, Receiver receiver) throws InterruptedException {
    if (queue.poll(millis, TimeUnit.MILLISECONDS) instanceof Map<?, ?> parcel
        && parcel.get(Parcel.CHANNEL) instanceof SocketChannel channel) {
      receiver.resume(channel, parcel.get(Parcel.STATE));
    }
  }
}
