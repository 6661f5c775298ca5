// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.spi.module.EventWait;
import org.blksnap.spi.module.ModuleEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches the events of one snapshot from the kernel, in a thread of its own, as long as the
 * snapshot is there.
 *
 * <pre>
 * waiting ──event──► told ──► waiting      ──destroyed (ESRCH), closed──► ended
 *    │ ▲
 *    └─┘ another bridge; a failure and its pause
 * </pre>
 *
 * <p>What the kernel has answered is told, also where it is closed at that moment. Monitor: which
 * wait is under way; never held in a wait.
 */
final class EventPump implements Runnable, AutoCloseable {
  /** Told in the pump's thread. */
  interface Sink {
    void event(ModuleEvent event);

    /** What could not be done before is tried; answers whether it is to be tried again soon. */
    boolean again();

    /** The kernel does not know the snapshot any more. */
    void gone();
  }

  /** Longest single wait; the next one follows. Shorter where something is owed. */
  static final Duration LONGEST = Duration.ofSeconds(30);

  /** Between two tries where the module answers an error. */
  static final Duration PAUSE = Duration.ofSeconds(1);

  /** Longest wait for the thread at the end. */
  static final Duration END = Duration.ofSeconds(5);

  private static final Logger LOG = LoggerFactory.getLogger(EventPump.class);

  private final UUID snapshot;
  private final PresentModule module;
  private final Sink sink;
  private final Thread thread;
  private final CountDownLatch closed = new CountDownLatch(1);

  @GuardedBy("this")
  private EventWait current;

  EventPump(UUID snapshot, PresentModule module, Sink sink, ThreadFactory threads) {
    this.snapshot = snapshot;
    this.module = module;
    this.sink = sink;
    this.thread = threads.newThread(this);
  }

  void start() {
    thread.start();
  }

  private boolean isClosed() {
    return closed.getCount() == 0;
  }

  @Override
  public void run() {
    String last = "";
    Duration longest = PAUSE;
    Duration retry = PAUSE;
    while (!isClosed()) {
      try {
        next(longest).ifPresent(sink::event);
        boolean owed = !isClosed() && sink.again();
        retry = owed && retry.compareTo(LONGEST) < 0 ? retry.multipliedBy(2) : PAUSE;
        longest = !owed || retry.compareTo(LONGEST) > 0 ? LONGEST : retry;
        last = "";
      } catch (BlksnapException e) {
        if (e.errno() == Errno.ESRCH) {
          sink.gone();
          return;
        }
        if (!isClosed() && !module.hasEnded() && !e.toString().equals(last)) {
          last = e.toString();
          LOG.warn("snapshot {}: its events are not heard: {}", snapshot, last);
        }
        pause();
      } catch (RuntimeException | Error e) {
        LOG.error("snapshot {}: an event was not dealt with", snapshot, e);
        pause();
      }
    }
  }

  private Optional<ModuleEvent> next(Duration longest) throws BlksnapException {
    return module.ask(
        m -> {
          EventWait wait = m.events(snapshot);
          if (!begin(wait)) {
            wait.close();
            return Optional.empty();
          }
          try {
            return wait.next(longest);
          } finally {
            end(wait);
          }
        });
  }

  private synchronized boolean begin(EventWait wait) {
    if (isClosed()) {
      return false;
    }
    current = wait;
    return true;
  }

  private void end(EventWait wait) {
    synchronized (this) {
      if (current == wait) {
        current = null;
      }
    }
    wait.close();
  }

  private void pause() {
    try {
      boolean ignored = closed.await(PAUSE.toNanos(), TimeUnit.NANOSECONDS);
      LOG.trace("snapshot {}: paused, closed {}", snapshot, ignored);
    } catch (InterruptedException e) {
      LOG.debug("snapshot {}: its event thread was interrupted", snapshot);
    }
  }

  /** The bridge goes: the wait under way ends, the next one is made at the next bridge. */
  void renew() {
    EventWait now;
    synchronized (this) {
      now = current;
    }
    if (now != null) {
      now.close();
    }
  }

  /** Ends; what was fetched is told when it returns, unless that takes longer than {@link #END}. */
  @Override
  public void close() {
    closed.countDown();
    renew();
    if (Thread.currentThread() == thread) {
      return;
    }
    boolean interrupted = Thread.interrupted();
    try {
      thread.join(END.toMillis());
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
