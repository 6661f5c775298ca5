// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotService;

/**
 * Names to devices and images, over all engines.
 *
 * <p>An engine that was here and went away is waited for, because it is probably being updated; so
 * is the first one: {@link #patience} by a client that negotiates, {@link #patienceUnderWay} by a
 * request, which a client takes for lost when it fails. While every known engine is here an unknown
 * name is unknown at once. What was left out: nothing is cached, a name is looked up once a
 * negotiation.
 */
public final class Exports {
  private final Duration patience;
  private final Duration patienceUnderWay;
  private final Object lock = new Object();

  /** Engine name to its service; a null value is an engine that went away. */
  @GuardedBy("lock")
  private final Map<String, SnapshotService> engines = new LinkedHashMap<>();

  /** The same patience for both. */
  public Exports(Duration patience) {
    this(patience, patience);
  }

  public Exports(Duration patience, Duration patienceUnderWay) {
    this.patience = patience;
    this.patienceUnderWay = patienceUnderWay;
  }

  public void arrived(String engine, SnapshotService service) {
    synchronized (lock) {
      engines.put(engine, service);
      lock.notifyAll();
    }
  }

  /** The engine's service goes; ignored where another one has taken its place already. */
  public void left(String engine, SnapshotService service) {
    synchronized (lock) {
      if (engines.get(engine) == service) {
        engines.put(engine, null);
      }
    }
  }

  /** Everything served, in order of names. Does not wait. */
  public List<Target> all() {
    List<Target> found = new ArrayList<>();
    for (SnapshotService service : present()) {
      for (AttachedDevice device : service.devices()) {
        found.add(Target.of(device));
      }
      for (SnapshotImage image : service.images()) {
        found.add(Target.of(image));
      }
    }
    found.sort(Comparator.comparing(Target::name));
    return found;
  }

  /**
   * The device or image of this name; the empty name means the only device, where there is exactly
   * one. Waits while an engine is away.
   */
  public Optional<Target> find(String name) {
    return find(name, patience);
  }

  private Optional<Target> find(String name, Duration wait) {
    long deadline = System.nanoTime() + wait.toNanos();
    while (true) {
      Optional<Target> found = findNow(name);
      if (found.isPresent() || !awaitMissingEngine(deadline)) {
        return found;
      }
    }
  }

  /**
   * The successor of a target whose device answered that it is gone. Empty where it no longer
   * exists, where its name now means something else, and where nothing came back in time.
   */
  Optional<Target> again(Target gone) {
    return find(gone.name(), patienceUnderWay)
        .filter(next -> next.device() != gone.device())
        .filter(next -> next.kind().equals(gone.kind()) && next.identity().equals(gone.identity()));
  }

  /** As {@link #again}, for a target known by its words alone. */
  public Optional<Target> again(String kind, String name, String identity) {
    return find(name, patienceUnderWay)
        .filter(next -> next.kind().equals(kind) && next.identity().equals(identity));
  }

  private Optional<Target> findNow(String name) {
    List<Target> all = all();
    if (name.isEmpty()) {
      List<Target> devices = all.stream().filter(t -> !t.image()).toList();
      return devices.size() == 1 ? Optional.of(devices.get(0)) : Optional.empty();
    }
    return all.stream().filter(t -> t.name().equals(name)).findFirst();
  }

  private List<SnapshotService> present() {
    synchronized (lock) {
      return engines.values().stream().filter(s -> s != null).toList();
    }
  }

  /**
   * True where an engine is missing and the world has changed or may still change before the
   * deadline.
   */
  private boolean awaitMissingEngine(long deadline) {
    synchronized (lock) {
      if (!engines.isEmpty() && !engines.containsValue(null)) {
        return false;
      }
      long millis = (deadline - System.nanoTime()) / 1_000_000;
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
  }
}
