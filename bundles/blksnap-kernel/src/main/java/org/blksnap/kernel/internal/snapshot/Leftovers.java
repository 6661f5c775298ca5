// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.kernel.internal.storage.SnapshotStorage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Storage without a snapshot that this engine knows: of one that is gone, while something of it
 * could not be given back; and of one whose records cannot be read, or that an unknown module may
 * have. It stays claimed, and its records stay, until it was given back.
 */
public final class Leftovers {
  /**
   * One of them.
   *
   * @param storage null: what it is cannot be read
   * @param gone the kernel does not have it: to be given back
   */
  private record Leftover(SnapshotStorage storage, Path directory, boolean gone, String why) {}

  private static final Logger LOG = LoggerFactory.getLogger(Leftovers.class);

  private final Map<Path, Leftover> all = new ConcurrentHashMap<>();

  /** The kernel has let go of it. With the records it goes at once, or as soon as it can. */
  void release(SnapshotStorage storage, Path directory) {
    var why = storage.release();
    if (why.isEmpty()) {
      all.remove(directory);
      StateDirectory.removeQuietly(directory);
      return;
    }
    Leftover before = all.put(directory, new Leftover(storage, directory, true, why.get()));
    if (before == null || !before.why.equals(why.get())) {
      LOG.warn("snapshot {} is gone, and its storage is not yet: {}", storage.id(), why.get());
    }
  }

  /** The kernel may have it. {@code storage} may be null. */
  void stays(SnapshotStorage storage, Path directory, String why) {
    all.put(directory, new Leftover(storage, directory, false, why));
    LOG.error("{}: a snapshot was not taken over, its storage stays lent: {}", directory, why);
    if (storage != null) {
      storage.holdAgain();
    }
  }

  /** The kernel has destroyed it just now. */
  void gone(UUID id) {
    for (Leftover one : List.copyOf(all.values())) {
      if (one.storage != null && one.storage.id().equals(id)) {
        release(one.storage, one.directory);
      }
    }
  }

  /** About each second. */
  void tick() {
    for (Leftover one : List.copyOf(all.values())) {
      if (one.gone) {
        release(one.storage, one.directory);
      }
    }
  }

  /** A sentence each, for the doctor. */
  public List<String> sentences() {
    List<String> sentences = new ArrayList<>();
    for (Leftover one : all.values()) {
      sentences.add(
          one.gone
              ? "a snapshot is gone and its storage is not all given back: " + one.why
              : "a snapshot of " + one.directory + " was not taken over: " + one.why);
    }
    return sentences;
  }

  /** The engine stops. */
  void leave() {
    for (Leftover one : all.values()) {
      if (one.storage != null) {
        one.storage.leave();
      }
    }
  }
}
