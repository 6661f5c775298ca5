// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.spi.module.EventWait;
import org.blksnap.spi.module.ModuleEvent;

/**
 * Waits within the module's call.
 *
 * <p>States: idle, waiting (one thread, its kernel number known), closed and still waiting, closed.
 * The monitor guards them. Who waits gives its number before its first call and takes it back after
 * its last one, both under the monitor; signals are sent under the monitor too, so one reaches only
 * a thread that is in here.
 *
 * <p>A signal that comes between the look at {@code closed} and the call breaks nothing off.
 * Therefore a thread repeats it until the waiter is out ({@link #WAKING}); the slices, a second
 * each, end a wait where even that fails. The module takes an event or answers EINTR, never both:
 * what a call answered is told to the caller also after a close. So no event is lost by it.
 */
final class KernelEventWait implements EventWait {
  /** Longest single call; a wait is made of these. */
  static final Duration SLICE = Duration.ofSeconds(1);

  /** The same where no signal can be used. */
  static final Duration SLICE_WITHOUT_SIGNAL = Duration.ofMillis(5);

  /** Between two signals to the same thread. */
  static final long SIGNAL_EVERY_MILLIS = 1;

  /** Signals are sent for so long at most; then the slices have done it. */
  static final Duration WAKING = Duration.ofSeconds(10);

  /** A rest where a module answers that nothing came before half of the time was over. */
  static final long REST_MILLIS = 10;

  private static final String CALL = "snapshot_wait_event of ";

  private final ModuleCalls calls;
  private final Node control;
  private final long request;
  private final EventCodes codes;
  private final UUID snapshot;
  private final WakeSignal wake;
  private final Consumer<KernelEventWait> gone;
  private final Memory event;

  @GuardedBy("this")
  private int waiter;

  @GuardedBy("this")
  private boolean closed;

  KernelEventWait(
      ModuleCalls calls,
      Node control,
      long request,
      EventCodes codes,
      UUID snapshot,
      WakeSignal wake,
      Consumer<KernelEventWait> gone) {
    this.calls = calls;
    this.control = control;
    this.request = request;
    this.codes = codes;
    this.snapshot = snapshot;
    this.wake = wake;
    this.gone = gone;
    event = Memory.of(calls, Seed.EVENT);
  }

  /** EBUSY: another thread waits here. */
  @Override
  public Optional<ModuleEvent> next(Duration timeout) throws BlksnapException {
    if (!enter()) {
      return Optional.empty();
    }
    try {
      return await(timeout);
    } finally {
      leave();
    }
  }

  @Override
  public void close() {
    gone.accept(this);
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      notifyAll();
      if (waiter == 0 || !wake.usable()) {
        return;
      }
      wake.send(waiter);
    }
    Thread thread = new Thread(this::keepWaking, "blksnap-event-wake");
    thread.setDaemon(true);
    thread.start();
  }

  private synchronized boolean enter() throws BlksnapException {
    if (closed) {
      return false;
    }
    if (waiter != 0) {
      throw new BlksnapException(
          Errno.EBUSY, CALL + snapshot + ": another thread waits here; one at a time may");
    }
    waiter = calls.thread();
    return true;
  }

  /**
   * Every signal to this thread was sent before the monitor was had. A call to the kernel takes one
   * that is still under way, so that it breaks off nothing that this thread does later.
   */
  private void leave() {
    boolean signalled;
    synchronized (this) {
      waiter = 0;
      signalled = closed;
    }
    if (signalled) {
      calls.thread();
    }
  }

  private Optional<ModuleEvent> await(Duration timeout) throws BlksnapException {
    long slice = (wake.usable() ? SLICE : SLICE_WITHOUT_SIGNAL).toMillis();
    long allowed = nanos(timeout);
    long began = System.nanoTime();
    long passed = 0;
    do {
      long left = (allowed - passed + 999_999) / 1_000_000;
      long asked = Math.min(slice, left);
      int answer = ask((int) asked);
      if (answer >= 0) {
        return Optional.of(codes.decode(event.bytes()));
      }
      if (answer != -Errno.ENOENT.code() && answer != -Errno.EINTR.code()) {
        throw Refusal.of(CALL + snapshot, control.path(), answer);
      }
      long waited = System.nanoTime() - began - passed;
      if (answer == -Errno.ENOENT.code() && waited < asked * 500_000) {
        rest();
      }
      passed = System.nanoTime() - began;
    } while (passed < allowed && !isClosed());
    return Optional.empty();
  }

  private int ask(int milliseconds) throws BlksnapException {
    Seed.EVENT_ID.put(event.bytes(), snapshot);
    Seed.EVENT_TIMEOUT.put(event.bytes(), milliseconds);
    return control.answer(CALL + snapshot, request, event, Node.Broken.TOLD);
  }

  /** Keeps a module that does not wait from being asked without a pause, interrupted or not. */
  private void rest() {
    boolean interrupted = Thread.interrupted();
    try {
      synchronized (this) {
        if (!closed) {
          wait(REST_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private void keepWaking() {
    long began = System.nanoTime();
    while (System.nanoTime() - began < WAKING.toNanos()) {
      try {
        Thread.sleep(SIGNAL_EVERY_MILLIS);
      } catch (InterruptedException e) {
        return;
      }
      synchronized (this) {
        if (waiter == 0) {
          return;
        }
        wake.send(waiter);
      }
    }
  }

  private static long nanos(Duration timeout) {
    if (timeout.isNegative()) {
      return 0;
    }
    return timeout.compareTo(Duration.ofNanos(Long.MAX_VALUE / 2)) < 0
        ? timeout.toNanos()
        : Long.MAX_VALUE / 2;
  }
}
