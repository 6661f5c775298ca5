// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotService;

/** Finds what a person named, in whichever engine it lives. */
public final class Locator {
  /** Something and the engine that holds it. */
  public record Found<T>(Engines.Engine engine, T what) {
    public SnapshotService service() {
      return engine.service();
    }
  }

  private final Engines engines;
  private final String engine;

  /** {@code engine} is the only engine to look in, or null for all. */
  public Engines engines() {
    return engines;
  }

  public Locator(Engines engines, String engine) {
    this.engines = engines;
    this.engine = engine;
  }

  /** A device by name, path or major:minor. ENODEV where no engine knows it. */
  public Found<AttachedDevice> device(String name) throws BlksnapException {
    return single(name, find(service -> service.device(name)))
        .orElseThrow(
            () ->
                new BlksnapException(
                    Errno.ENODEV,
                    "device "
                        + name
                        + " refused: no such attached device; see blksnap:device-list, or attach it"
                        + " with blksnap:device-attach"));
  }

  /** The change map of a device, or of an image. ENODEV where there is neither. */
  public ChangeMap changes(String name) throws BlksnapException {
    Optional<Found<SnapshotImage>> image = single(name, find(service -> service.image(name)));
    return image.isPresent() ? image.get().what().changes() : device(name).what().changes();
  }

  /** A snapshot by its id, or by the beginning of it where only one begins so. ESRCH: none. */
  public Found<Snapshot> snapshot(String id) throws BlksnapException {
    return snapshot(id, Errno.ESRCH);
  }

  /** As {@link #snapshot(String)}; the interface has an errno of its own for destroying none. */
  public Found<Snapshot> doomed(String id) throws BlksnapException {
    return snapshot(id, Errno.ENODEV);
  }

  private Found<Snapshot> snapshot(String id, Errno none) throws BlksnapException {
    String wanted = id.toLowerCase(Locale.ROOT);
    List<Found<Snapshot>> matching =
        snapshots().stream().filter(f -> f.what().id().toString().startsWith(wanted)).toList();
    if (wanted.isEmpty() || matching.isEmpty()) {
      throw new BlksnapException(
          none, "snapshot " + id + " refused: no such snapshot; see blksnap:snapshot-list");
    }
    if (matching.size() > 1) {
      throw new BlksnapException(
          Errno.EINVAL,
          "snapshot "
              + id
              + " refused: "
              + matching.size()
              + " snapshots begin so; give more of the id");
    }
    return matching.get(0);
  }

  public List<Found<AttachedDevice>> devices() throws BlksnapException {
    return all(SnapshotService::devices);
  }

  public List<Found<Snapshot>> snapshots() throws BlksnapException {
    return all(SnapshotService::snapshots);
  }

  public List<Found<SnapshotImage>> images() throws BlksnapException {
    return all(SnapshotService::images);
  }

  private <T> List<Found<T>> all(Function<SnapshotService, List<T>> of) throws BlksnapException {
    List<Found<T>> found = new ArrayList<>();
    for (Engines.Engine each : engines.required(engine)) {
      of.apply(each.service()).forEach(what -> found.add(new Found<>(each, what)));
    }
    return found;
  }

  private <T> List<Found<T>> find(Function<SnapshotService, Optional<T>> of)
      throws BlksnapException {
    return all(service -> of.apply(service).map(List::of).orElse(List.of()));
  }

  private static <T> Optional<Found<T>> single(String name, List<Found<T>> found)
      throws BlksnapException {
    if (found.size() > 1) {
      throw new BlksnapException(
          Errno.EINVAL,
          name
              + " refused: known to the engines "
              + found.stream().map(f -> f.engine().name()).toList()
              + "; choose one with --engine");
    }
    return found.stream().findFirst();
  }
}
