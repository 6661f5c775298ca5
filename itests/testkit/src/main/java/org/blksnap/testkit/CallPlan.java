// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * What becomes of calls that go through {@link Intercept}: they are counted by name, {@code
 * Interface.method}; one of them may be made to fail, some to be forgotten, and all of an interface
 * to stand still. Any thread.
 */
public final class CallPlan {
  /** What is to become of a call. */
  enum Fate {
    PASS,
    FORGET
  }

  private record Fault(String call, long index, Errno errno) {}

  private final Map<String, AtomicLong> counts = new ConcurrentHashMap<>();
  private final AtomicInteger standing = new AtomicInteger();
  private final CountDownLatch thawed = new CountDownLatch(1);
  private volatile Fault fault;
  private volatile boolean fired;
  private volatile String forgotten = "";
  private volatile int forgetEvery;
  private volatile String frozen;
  private volatile String slow = "";
  private volatile long slowMillis;
  private volatile Held held;
  private volatile String errorCall = "";
  private volatile Error errorThrown;

  /** Lets the call of this name and number, counted from 0 and from now on, fail, once. */
  public void fail(String call, long index, Errno errno) {
    counts.clear();
    fired = false;
    fault = new Fault(call, index, errno);
  }

  /** Counts anew, and fails nothing. */
  public void reset() {
    fault = null;
    counts.clear();
  }

  /** True where the ordered failure has come. */
  public boolean fired() {
    return fired;
  }

  /** Lets every n-th call of this name do nothing: a planted bug. */
  public void forget(String call, int every) {
    forgetEvery = every;
    forgotten = call;
  }

  /** Lets every call of this name take as long, from now on. */
  public void slow(String call, long millis) {
    slowMillis = millis;
    slow = call;
  }

  /** Calls of names that begin so stand still, as in a process about to be killed. */
  public void freeze(String prefix) {
    frozen = prefix;
  }

  /** Whoever stands still fails; for the end of a test. */
  public void thaw() {
    thawed.countDown();
  }

  /** The next call of this name waits at the door until the answer is released. */
  public Held hold(String call) {
    Held made = new Held(call);
    held = made;
    return made;
  }

  /** A call that was made to wait. */
  public static final class Held {
    private final String call;
    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);

    private Held(String call) {
      this.call = call;
    }

    /** Waits until the call has come. */
    public void awaitArrival() throws InterruptedException {
      arrived.await();
    }

    public void release() {
      released.countDown();
    }

    private void standAtTheDoor() {
      boolean interrupted = false;
      arrived.countDown();
      while (true) {
        try {
          released.await();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The next call of this name throws this, whatever it declares. */
  public void error(String call, Error thrown) {
    errorThrown = thrown;
    errorCall = call;
  }

  /** Calls so far, by name. */
  public Map<String, Long> counts() {
    Map<String, Long> copy = new TreeMap<>();
    counts.forEach((call, count) -> copy.put(call, count.get()));
    return copy;
  }

  /** {@code mayFail}: the method declares that it may. */
  Fate before(String call, boolean mayFail) throws BlksnapException {
    String prefix = frozen;
    if (prefix != null && call.startsWith(prefix)) {
      standStill();
    }
    if (call.equals(slow)) {
      delay();
    }
    Held waiting = held;
    if (waiting != null && waiting.call.equals(call)) {
      held = null;
      waiting.standAtTheDoor();
    }
    if (call.equals(errorCall)) {
      errorCall = "";
      throw errorThrown;
    }
    long index = counts.computeIfAbsent(call, name -> new AtomicLong()).getAndIncrement();
    Fault ordered = fault;
    if (ordered != null && mayFail && ordered.index == index && ordered.call.equals(call)) {
      fired = true;
      throw new BlksnapException(ordered.errno, "ordered failure of " + call + " " + index);
    }
    return call.equals(forgotten) && index % forgetEvery == forgetEvery - 1
        ? Fate.FORGET
        : Fate.PASS;
  }

  private void delay() {
    try {
      Thread.sleep(slowMillis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Calls that stand still now. */
  public int standing() {
    return standing.get();
  }

  private void standStill() {
    boolean interrupted = false;
    standing.incrementAndGet();
    while (true) {
      try {
        thawed.await();
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
        // what it does from here on concerns nobody: its files may be gone
        Thread.currentThread().setUncaughtExceptionHandler((thread, failure) -> {});
        throw new IllegalStateException("its process was killed");
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
  }
}
