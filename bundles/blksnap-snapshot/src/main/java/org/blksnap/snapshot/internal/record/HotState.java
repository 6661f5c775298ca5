// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.blksnap.api.health.Finding;
import org.blksnap.enginebase.record.RecordFile;
import org.blksnap.enginebase.record.StateDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the mapped files lie that live requests touch: change maps, chunk maps, buffers, the state
 * of storages. A file system that is frozen, full, slow or gone must not stop a thread in a page of
 * one of them, for that stops the JVM as a whole. So they lie in memory, in {@code <base>/<id of
 * the state directory>}, and {@link HotFiles} brings them to disk at a clean stop.
 *
 * <p>Memory is shared with the host: what would leave less than a quarter of the tmpfs free stays
 * in the state directory, and the doctor says so. A durable device's map stays there too, since a
 * loss of power must find it.
 *
 * <p>Under the engine's control lock, but {@link #finding}.
 */
public final class HotState {
  /** Of the file system in memory, what stays free for others: one part of so many. */
  static final int FREE_PART = 4;

  private static final Logger LOG = LoggerFactory.getLogger(HotState.class);
  private static final String OWNER = "owner.record";
  private static final String KIND = "hot-owner";

  private final Path root;
  private final String bootId;
  private final Map<Path, Path> inUse = new HashMap<>();

  @GuardedBy("this")
  private String problem = "";

  private HotState(Path root, String bootId) {
    this.root = root;
    this.bootId = bootId;
  }

  /** Tells which state directory one is. */
  public interface Identity {
    /** Null where it bears no id. EFAULT where it cannot be read. */
    public UUID of(Path state) throws IOException;
  }

  /**
   * {@code choice} is {@code hot_state_directory}, {@code id} that of the state directory; never
   * fails, for the disk will do.
   */
  public static HotState open(
      Path state, UUID id, String choice, String bootId, Identity identity) {
    if (choice.equals(HotBase.NONE)) {
      return new HotState(null, bootId);
    }
    try {
      Path base = HotBase.find(choice);
      sweep(base, identity);
      Path root = Files.createDirectories(base.resolve(id.toString()));
      RecordFile.write(
          root.resolve(OWNER), KIND, Map.of("path", state.toString(), "id", id.toString()));
      HotState hot = new HotState(root, bootId);
      hot.sweepOwn(state);
      return hot;
    } catch (IOException e) {
      HotState onDisk = new HotState(null, bootId);
      onDisk.say("there is no memory for it: " + e.getMessage());
      return onDisk;
    }
  }

  /** What belongs to a state directory that is there and has another identity now is dead. */
  private static void sweep(Path base, Identity identity) throws IOException {
    try (Stream<Path> all = Files.list(base)) {
      for (Path root : all.filter(path -> Files.exists(path.resolve(OWNER))).toList()) {
        Map<String, String> owner = RecordFile.read(root.resolve(OWNER), KIND);
        Path state = Path.of(owner.getOrDefault("path", "/"));
        UUID now = Files.isDirectory(state) ? identity.of(state) : null; // null: not mounted, maybe
        if (now != null && !now.toString().equals(owner.get("id"))) {
          LOG.info("{} belonged to a state directory that is gone, and is removed", root);
          StateDirectory.removeTree(root);
        }
      }
    }
  }

  /** What no pointer in the state directory leads to, whose lock is held, is nobody's. */
  private void sweepOwn(Path state) throws IOException {
    for (String kind : List.of("devices", "snapshots")) {
      if (!Files.isDirectory(root.resolve(kind))) {
        continue;
      }
      try (Stream<Path> all = Files.list(root.resolve(kind))) {
        for (Path left : all.toList()) {
          Path cold = state.resolve(kind).resolve(left.getFileName());
          if (!new HotFiles(cold, name -> true, bootId).leadsTo(left)) {
            StateDirectory.removeTree(left);
          }
        }
      }
    }
  }

  /** Null where all is on disk. */
  public Path root() {
    return root;
  }

  /** The device's map goes where it belongs; {@code bytes} is what it will need. */
  public HotFiles.Entry enterDevice(Path cold, boolean durable, long bytes) throws IOException {
    return enter(cold, HotFiles.OF_DEVICE, durable, bytes);
  }

  public HotFiles.Entry enterSnapshot(Path cold) throws IOException {
    return enter(cold, HotFiles.OF_SNAPSHOT, false, 0);
  }

  /** As {@link #enterSnapshot}, at a start: what fails is a loss. */
  public HotFiles.Entry restoreSnapshot(Path cold) {
    try {
      return enterSnapshot(cold);
    } catch (IOException | RuntimeException e) {
      return remember(
          cold, new HotFiles.Entry(cold, "its mapped files were not found again: " + e, false));
    }
  }

  private HotFiles.Entry enter(Path cold, Predicate<String> names, boolean durable, long bytes)
      throws IOException {
    HotFiles files = new HotFiles(cold, names, bootId);
    Path now = inUse.get(cold);
    Path hot =
        root == null
            ? null
            : root.resolve(cold.getParent().getFileName()).resolve(cold.getFileName());
    boolean stays = now != null && now.equals(hot);
    if (durable || hot == null || !(stays || room(bytes + sizeOf(cold, names)))) {
      return remember(cold, files.enter(cold));
    }
    try {
      return remember(cold, files.enter(hot));
    } catch (IOException e) {
      say(cold + " does not fit into memory: " + e);
      StateDirectory.removeTree(hot);
      return remember(cold, files.enter(cold));
    }
  }

  private HotFiles.Entry remember(Path cold, HotFiles.Entry entry) {
    inUse.put(cold, entry.directory());
    return entry;
  }

  private static long sizeOf(Path cold, Predicate<String> names) throws IOException {
    long sum = 0;
    try (Stream<Path> all = Files.walk(cold)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        sum += names.test(cold.relativize(file).getName(0).toString()) ? Files.size(file) : 0;
      }
    }
    return sum;
  }

  /** Whether so much more leaves enough for others; where not, the doctor says so from now on. */
  public boolean room(long bytes) {
    if (root == null) {
      return false;
    }
    try {
      FileStore memory = Files.getFileStore(root);
      if (memory.getUsableSpace() - bytes >= memory.getTotalSpace() / FREE_PART) {
        return true;
      }
      say(
          (bytes >> 20)
              + " MiB more would leave less than a quarter of "
              + root.getParent()
              + " free");
    } catch (IOException e) {
      say(root + ": " + e);
    }
    return false;
  }

  /** Where a device's or snapshot's mapped files are, once entered. */
  public Path of(Path cold) {
    return inUse.getOrDefault(cold, cold);
  }

  /** The storage's records on disk, so that its files are found after a loss of power. */
  public void keepBehind(Path cold) {
    try {
      new HotFiles(cold, HotFiles.OF_SNAPSHOT, bootId).keepBehind("storage.state");
    } catch (IOException e) {
      LOG.warn("{}: storage.state has no copy on disk: {}", cold, e.toString());
    }
  }

  /** Closed cleanly: to disk. */
  public void settleDevice(Path cold) throws IOException {
    new HotFiles(cold, HotFiles.OF_DEVICE, bootId).settle();
    inUse.remove(cold);
  }

  public void settleSnapshot(Path cold) throws IOException {
    new HotFiles(cold, HotFiles.OF_SNAPSHOT, bootId).settle();
    inUse.remove(cold);
  }

  /** Maps of devices that are not attached have no business in memory; at the stop none has. */
  public void settleDevices(List<Path> devices, boolean stopping) {
    for (Path cold : devices) {
      if (stopping || !inUse.containsKey(cold)) {
        try {
          settleDevice(cold);
        } catch (IOException e) {
          LOG.warn("{} stays in memory: {}", cold, e.toString());
        }
      }
    }
  }

  /** Destroyed: nothing is left in memory. */
  public void drop(Path cold) {
    Path hot = inUse.remove(cold);
    if (hot != null && !hot.equals(cold)) {
      StateDirectory.removeQuietly(hot);
    }
  }

  /** A clean stop leaves nothing in memory, unless something could not be brought to disk. */
  public void close() {
    if (root == null) {
      return;
    }
    try (Stream<Path> files = Files.walk(root)) {
      if (files.allMatch(f -> Files.isDirectory(f) || f.equals(root.resolve(OWNER)))) {
        StateDirectory.removeTree(root);
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("{} stays: {}", root, e.toString());
    }
  }

  private synchronized void say(String why) {
    if (!problem.equals(why)) {
      problem = why;
      LOG.warn("mapped state lies on the disk of the state directory: {}", why);
    }
  }

  /** What the doctor says. Any thread. */
  public synchronized Optional<Finding> finding() {
    return problem.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Finding(
                Finding.Severity.WARNING,
                "hot state",
                "mapped state lies on the disk of the state directory, and live writes stand still"
                    + " where that disk does: "
                    + problem,
                "name a directory on a tmpfs with room as hot_state_directory in"
                    + " etc/org.blksnap.engine.cfg, or enlarge it: mount -o remount,size=2G"
                    + " /dev/shm"));
  }
}
