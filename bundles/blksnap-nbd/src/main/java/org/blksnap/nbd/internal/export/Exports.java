// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.export.ExportKind;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotService;

/**
 * Names to devices and images, over all engines, and to the sources of others, which come second.
 *
 * <p>An engine that was here and went away is waited for, because it is probably being updated; so
 * is the first one: {@link #patience} by a client that negotiates, {@link #patienceUnderWay} by a
 * request, which a client takes for lost when it fails. While every known engine is here an unknown
 * name is unknown at once. A source that bears the name asked for is given out while no engine is
 * missing, or is for longer than the patience: a device of that name comes first. What was left
 * out: nothing is cached, a name is looked up once a negotiation.
 */
public final class Exports {
  private final Duration patience;
  private final Duration patienceUnderWay;
  private final Object lock = new Object();

  /** Engine name to its service; a null value is an engine that went away. */
  @GuardedBy("lock")
  private final Map<String, SnapshotService> engines = new LinkedHashMap<>();

  /** Engines that came, so far. */
  @GuardedBy("lock")
  private long arrivals;

  /** When an engine went last; at first the beginning. */
  @GuardedBy("lock")
  private long missingSince = System.nanoTime();

  private final Sources sources;

  /** The same patience for both. */
  public Exports(Duration patience) {
    this(patience, patience);
  }

  public Exports(Duration patience, Duration patienceUnderWay) {
    this.patience = patience;
    this.patienceUnderWay = patienceUnderWay;
    this.sources = new Sources(patience, patienceUnderWay);
  }

  /** The block devices of others. */
  public Sources sources() {
    return sources;
  }

  Duration patienceUnderWay() {
    return patienceUnderWay;
  }

  public void arrived(String engine, SnapshotService service) {
    synchronized (lock) {
      engines.put(engine, service);
      arrivals++;
      lock.notifyAll();
    }
  }

  /** The engine's service goes; ignored where another one has taken its place already. */
  public void left(String engine, SnapshotService service) {
    synchronized (lock) {
      if (engines.get(engine) == service) {
        engines.put(engine, null);
        missingSince = System.nanoTime();
      }
    }
  }

  /** Everything served, in order of names; sources without their devices. Does not wait. */
  public List<Target> all() {
    List<Target> found = ofEngines();
    Set<String> taken = names(found);
    for (Source source : sources.all()) {
      if (source.fault().isEmpty() && taken.add(source.name())) {
        found.add(Target.of(source));
      }
    }
    found.sort(Comparator.comparing(Target::name));
    return found;
  }

  /**
   * A source that is registered and not served.
   *
   * @param source which, for a person
   * @param why a sentence's end
   */
  public record Unserved(String source, String why) {}

  /** In the order they came. Does not wait. */
  public List<Unserved> unserved() {
    Set<String> ofEngines = names(ofEngines());
    Set<String> ofSources = new HashSet<>();
    List<Unserved> found = new ArrayList<>();
    for (Source source : sources.all()) {
      if (!source.fault().isEmpty()) {
        found.add(new Unserved(source.words(), source.fault()));
      } else if (ofEngines.contains(source.name())) {
        String why = "a device or an image is named \"" + source.name() + "\" too";
        found.add(new Unserved(source.words(), why));
      } else if (!ofSources.add(source.name())) {
        String why = "an older source is named \"" + source.name() + "\" too";
        found.add(new Unserved(source.words(), why));
      }
    }
    return found;
  }

  private static Set<String> names(List<Target> targets) {
    return targets.stream().map(Target::name).collect(Collectors.toCollection(HashSet::new));
  }

  private List<Target> ofEngines() {
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
   * What has this name; the empty name means the only device, where there is exactly one. Waits
   * while an engine is away, and for a source that went just now.
   */
  public Optional<Target> find(String name) {
    if (!sources.knows(name)) {
      return find(name, patience).or(() -> sources.served(name).map(Target::of));
    }
    return find(name, grace()).or(() -> sources.find(name).map(Target::of));
  }

  /** What is left of the patience with an engine that is missing. */
  private Duration grace() {
    synchronized (lock) {
      return patience.minusNanos(System.nanoTime() - missingSince);
    }
  }

  private Optional<Target> find(String name, Duration wait) {
    long deadline = System.nanoTime() + wait.toNanos();
    while (true) {
      long seen = arrivals();
      Optional<Target> found = findNow(name);
      if (found.isPresent() || !awaitMissingEngine(seen, deadline)) {
        return found;
      }
    }
  }

  /**
   * The successor of a device or an image whose device answered that it is gone. Empty where it no
   * longer exists, where its name now means something else, and where nothing came back in time.
   */
  Optional<Target> again(Target target, BlockDevice gone) {
    return again(target.kind(), target.name(), target.identity())
        .filter(next -> next.device() != gone);
  }

  /** As above, for a device or an image known by its words alone. */
  Optional<Target> again(ExportKind kind, String name, String identity) {
    return find(name, patienceUnderWay)
        .filter(next -> next.kind() == kind && next.identity().equals(identity));
  }

  private Optional<Target> findNow(String name) {
    List<Target> all = ofEngines();
    if (name.isEmpty()) {
      List<Target> devices = all.stream().filter(t -> !t.image()).toList();
      return devices.size() == 1 ? Optional.of(devices.get(0)) : Optional.empty();
    }
    return all.stream().filter(t -> t.name().equals(name)).findFirst();
  }

  private long arrivals() {
    synchronized (lock) {
      return arrivals;
    }
  }

  private List<SnapshotService> present() {
    synchronized (lock) {
      return engines.values().stream().filter(s -> s != null).toList();
    }
  }

  /**
   * True where an engine has come since {@code seen}, and where one is missing and the world has
   * changed or may still change before the deadline.
   */
  private boolean awaitMissingEngine(long seen, long deadline) {
    synchronized (lock) {
      if (arrivals != seen) {
        return true;
      }
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
