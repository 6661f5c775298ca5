// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.enginebase.record.RecordFile;
import org.blksnap.enginebase.record.StateDirectory;

/**
 * The mapped files of one device or snapshot, which are in two places by turns: in memory (hot)
 * while an engine works, on disk (cold) after a clean stop. {@code hot.record} in the cold
 * directory is the pointer: where it stands, the files in the directory it names are in force, for
 * the boot it names; without it those on disk are.
 *
 * <pre>
 * enter     copy disk → memory, then the pointer, forced, then the copies on disk go
 * settle    copy memory → disk, forced, then the pointer goes, forced, then the copies in memory go
 * </pre>
 *
 * <p>So at each instant the pointer leads to whole files, and what lies on disk is never in force
 * once a mark may have been made in memory. A pointer of another boot, or to a directory that is
 * not there, means that the files are lost: {@link Entry#lost}.
 */
public final class HotFiles {
  static final String POINTER = "hot.record";

  private static final String KIND = "hot";
  private static final String BOOT = "boot";
  private static final String PATH = "path";

  /** What a device has. */
  static final Predicate<String> OF_DEVICE = name -> name.startsWith("cbt.map");

  /** What a snapshot has. */
  static final Predicate<String> OF_SNAPSHOT =
      name -> name.equals("storage.state") || name.startsWith("area-");

  /**
   * Where the files are now.
   *
   * @param directory the hot one or the cold one
   * @param lost empty, or why what was there before is not in force any more
   * @param otherBoot true where it was lost with the boot
   */
  public record Entry(Path directory, String lost, boolean otherBoot) {}

  private final Path cold;
  private final Predicate<String> names;
  private final String bootId;

  HotFiles(Path cold, Predicate<String> names, String bootId) {
    this.cold = cold;
    this.names = names;
    this.bootId = bootId;
  }

  /** {@code target} is a directory in memory, or the cold one itself. */
  Entry enter(Path target) throws IOException {
    Map<String, String> pointer = pointer();
    if (pointer == null) {
      if (!target.equals(cold)) {
        StateDirectory.removeTree(target);
        copy(cold, target, false);
        point(target);
        removeCold();
      }
      return new Entry(target, "", false);
    }
    Path before = Path.of(pointer.getOrDefault(PATH, "/"));
    boolean sameBoot = bootId.equals(pointer.get(BOOT));
    if (sameBoot && Files.isDirectory(before)) {
      if (!before.equals(target)) {
        move(before, target);
      }
      return new Entry(target, "", false);
    }
    String lost =
        sameBoot
            ? "its files in " + before + ", which were in use, are not there any more"
            : "in use under boot " + pointer.get(BOOT) + ", now is boot " + bootId;
    // Before the pointer goes: a kill in between must not leave old copies in force.
    removeCold();
    if (!target.equals(cold)) {
      StateDirectory.removeTree(target);
      copy(cold, target, false);
      point(target);
    } else {
      unpoint();
    }
    return new Entry(target, lost, !sameBoot);
  }

  private void move(Path before, Path target) throws IOException {
    if (target.equals(cold)) {
      settle();
      return;
    }
    StateDirectory.removeTree(target);
    copy(before, target, false);
    point(target);
    StateDirectory.removeTree(before);
  }

  /** Everything is on disk, and in force there, when it returns. */
  void settle() throws IOException {
    Map<String, String> pointer = pointer();
    if (pointer == null) {
      return;
    }
    Path hot = Path.of(pointer.getOrDefault(PATH, "/"));
    if (!bootId.equals(pointer.get(BOOT)) || !Files.isDirectory(hot)) {
      return;
    }
    copy(hot, cold, true);
    unpoint();
    StateDirectory.removeTree(hot);
  }

  /** Whether the pointer leads there. */
  boolean leadsTo(Path hot) throws IOException {
    Map<String, String> pointer = pointer();
    return pointer != null && hot.toString().equals(pointer.get(PATH));
  }

  /** Brings one file to disk beside what is in force, for whoever finds the pointer dead. */
  void keepBehind(String name) throws IOException {
    Map<String, String> pointer = pointer();
    if (pointer != null && pointer.containsKey(PATH)) {
      copyFile(Path.of(pointer.getOrDefault(PATH, "/")).resolve(name), cold.resolve(name), true);
    }
  }

  private Map<String, String> pointer() throws IOException {
    Path file = cold.resolve(POINTER);
    if (!Files.exists(file)) {
      return null;
    }
    try {
      return RecordFile.read(file, KIND);
    } catch (BlksnapException damaged) {
      return Map.of(BOOT, "unknown: " + damaged.getMessage());
    }
  }

  private void point(Path target) throws IOException {
    RecordFile.write(cold.resolve(POINTER), KIND, Map.of(BOOT, bootId, PATH, target.toString()));
  }

  private void unpoint() throws IOException {
    Files.deleteIfExists(cold.resolve(POINTER));
    forceEntries(cold);
  }

  /** What is not in force any more; the storage's records stay, which tell what to remove. */
  private void removeCold() throws IOException {
    for (Path entry : entries(cold)) {
      if (!entry.getFileName().toString().equals("storage.state")) {
        StateDirectory.removeTree(entry);
      }
    }
  }

  private List<Path> entries(Path directory) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.filter(entry -> names.test(entry.getFileName().toString())).toList();
    }
  }

  private void copy(Path from, Path to, boolean forced) throws IOException {
    Files.createDirectories(to);
    for (Path entry : entries(from)) {
      Path target = to.resolve(entry.getFileName());
      if (!Files.isDirectory(entry)) {
        copyFile(entry, target, forced);
        continue;
      }
      Files.createDirectories(target);
      try (Stream<Path> files = Files.list(entry)) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          copyFile(file, target.resolve(file.getFileName()), forced);
        }
      }
      if (forced) {
        forceEntries(target);
      }
    }
    if (forced) {
      forceEntries(to);
    }
  }

  /** Whole under its name, or not there. */
  private static void copyFile(Path from, Path to, boolean forced) throws IOException {
    Path fresh = to.resolveSibling(to.getFileName() + ".new");
    Files.copy(from, fresh, StandardCopyOption.REPLACE_EXISTING);
    if (forced) {
      try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
    }
    Files.move(fresh, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static void forceEntries(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
