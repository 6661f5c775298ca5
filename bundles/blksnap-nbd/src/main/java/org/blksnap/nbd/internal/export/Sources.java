// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.ExportSource;

/**
 * The block devices of others that are served: those of the whiteboard, older ones first. Of one
 * name the oldest is served.
 *
 * <p>A source that went away is waited for, because its bundle is probably being updated: {@link
 * #patience} since it went by a client that negotiates, {@link #patienceUnderWay} by a request.
 *
 * <p>What is open or being opened has a bound, over all sources: calls that never return hold so
 * many clients and no more. The lock is held for memory only, never while a source is called.
 */
public final class Sources {
  private final Duration patience;
  private final Duration patienceUnderWay;
  private final Object lock = new Object();
  private final AtomicInteger open = new AtomicInteger();
  private volatile int most = Integer.MAX_VALUE;

  @GuardedBy("lock")
  private final List<Source> present = new ArrayList<>();

  /** Names that nobody has now, and when the last one that had it went. */
  @GuardedBy("lock")
  private final Map<String, Long> departed = new HashMap<>();

  Sources(Duration patience, Duration patienceUnderWay) {
    this.patience = patience;
    this.patienceUnderWay = patienceUnderWay;
  }

  /** A new bound on what is open; what is open already stays. */
  public void most(int devices) {
    most = devices;
  }

  public int most() {
    return most;
  }

  /** Devices open or being opened now. */
  public int open() {
    return open.get();
  }

  /**
   * Asks the source for its name.
   *
   * @param id the service's; a lower one is older
   */
  public void arrived(ExportSource service, long id) {
    Source source = new Source(service, id);
    synchronized (lock) {
      present.add(source);
      present.sort(Comparator.comparingLong(Source::id));
      if (source.fault().isEmpty()) {
        departed.remove(source.name());
      }
      lock.notifyAll();
    }
  }

  public void left(ExportSource service, long id) {
    long now = System.nanoTime();
    synchronized (lock) {
      departed.values().removeIf(since -> now - since > patience.toNanos());
      for (Source source : List.copyOf(present)) {
        if (source.is(service) && source.id() == id) {
          source.leave();
          present.remove(source);
          if (source.fault().isEmpty() && servedLocked(source.name()).isEmpty()) {
            departed.put(source.name(), now);
          }
        }
      }
    }
  }

  /** All of them, served or not, older ones first. */
  List<Source> all() {
    synchronized (lock) {
      return List.copyOf(present);
    }
  }

  Optional<Source> served(String name) {
    synchronized (lock) {
      return servedLocked(name);
    }
  }

  @GuardedBy("lock")
  private Optional<Source> servedLocked(String name) {
    return present.stream()
        .filter(each -> each.fault().isEmpty() && each.name().equals(name))
        .findFirst();
  }

  /** One of this name is here, or was within the patience. */
  boolean knows(String name) {
    synchronized (lock) {
      return servedLocked(name).isPresent() || awaitedNanosLocked(name) > 0;
    }
  }

  /** The one of this name; waits where one went within the patience. */
  Optional<Source> find(String name) {
    synchronized (lock) {
      while (true) {
        Optional<Source> found = servedLocked(name);
        if (found.isPresent() || !pauseLocked(awaitedNanosLocked(name))) {
          return found;
        }
      }
    }
  }

  @GuardedBy("lock")
  private long awaitedNanosLocked(String name) {
    Long since = departed.get(name);
    return since == null ? 0 : patience.toNanos() - (System.nanoTime() - since);
  }

  /**
   * The one that took the place of another, null for one that nobody knows any more. Waits for it;
   * empty at once where the old one is still here.
   */
  Optional<Source> again(String name, Source old) {
    long begin = System.nanoTime();
    synchronized (lock) {
      while (true) {
        Optional<Source> found = servedLocked(name);
        if (found.isPresent()) {
          return found.filter(next -> next != old);
        }
        if (!pauseLocked(patienceUnderWay.toNanos() - (System.nanoTime() - begin))) {
          return Optional.empty();
        }
      }
    }
  }

  /** False where there is no time left, or the thread was interrupted. */
  @GuardedBy("lock")
  private boolean pauseLocked(long nanos) {
    long millis = nanos / 1_000_000;
    if (millis <= 0) {
      return false;
    }
    try {
      lock.wait(millis);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Opens a device of it. EBUSY where too many are open already; else as the source fails. */
  SourceDevice open(Source source) throws BlksnapException {
    boolean opened = false;
    int now = open.incrementAndGet();
    try {
      int allowed = most;
      if (now > allowed) {
        throw new BlksnapException(
            Errno.EBUSY,
            "source "
                + source.name()
                + " refused: "
                + allowed
                + " clients have a source open, which is the most allowed; end some, or raise"
                + " maximum_connections_per_peer");
      }
      SourceDevice device = source.open(open::decrementAndGet);
      opened = true;
      return device;
    } finally {
      if (!opened) {
        open.decrementAndGet();
      }
    }
  }
}
