// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.linux.proc.MountTable;
import org.blksnap.linux.proc.MountTable.Mount;
import org.blksnap.spi.node.NodeLabel.Kind;

/**
 * What stands on what: file system on device, partition on disk, dm and md on their slaves, loop
 * device on its backing file, overlay on its upper directory, an NBD node of ours on the device
 * that is served there.
 *
 * <p>Every question is answered by walking down from the upper thing until the device asked about
 * is met. Each device is visited once, which bounds the walk.
 */
final class Topology {
  /** Overlay in overlay in overlay: deeper than this is not followed. */
  private static final int OVERLAY_DEPTH = 8;

  private static final Set<String> IN_MEMORY = Set.of("tmpfs", "devtmpfs", "ramfs", "hugetlbfs");

  /** What a walk goes through, beside what the kernel itself knows to be one on the other. */
  private enum Through {
    /** Nothing: who uses the device past the engine. */
    NOTHING,
    /** Nodes of devices: whose data comes to the device. */
    NODES,
    /** Nodes of images too, and file systems: what stands still where the device does. */
    ALL
  }

  private final SysBlock sys;
  private final MountTable table;

  Topology(SysBlock sys, MountTable table) {
    this.sys = sys;
    this.table = table;
  }

  /**
   * True where the directory or file lies, however deep, on the device or file; a block device lies
   * on what it is made of, and what is not there yet where it would be made.
   */
  boolean carries(FileStat device, Path asked) {
    Path path = asked.toAbsolutePath();
    while (FileStat.find(path).isEmpty() && path.getParent() != null) {
      path = path.getParent();
    }
    return carriesThis(device, path);
  }

  private boolean carriesThis(FileStat device, Path path) {
    List<DeviceNumber> upper =
        FileStat.find(path)
            .filter(FileStat::block)
            .map(node -> List.of(node.number()))
            .orElseGet(() -> numbersOf(path, 0));
    return standsOn(device, upper, Through.ALL);
  }

  /**
   * Mounts of file systems that stand on the device or file without another file system between;
   * one for each file system, by a mount point that really leads to it.
   */
  List<Mount> mountedFrom(FileStat device) {
    List<Mount> found = new ArrayList<>();
    Set<DeviceNumber> seen = new HashSet<>();
    for (Mount mount : table.mounts()) {
      if (!seen.contains(mount.number())
          && standsOn(device, numbersOf(mount), Through.NODES)
          && leadsTo(mount)) {
        seen.add(mount.number());
        found.add(mount);
      }
    }
    return found;
  }

  /**
   * As {@link #mountedFrom}, also those hidden behind another mount, but not those on a node of
   * ours: they use the device through the engine.
   */
  List<Mount> allMountsFrom(FileStat device) {
    return table.mounts().stream()
        .filter(mount -> standsOn(device, numbersOf(mount), Through.NOTHING))
        .toList();
  }

  /** Loop devices made of the device (or a partition of it) or the file. */
  List<DeviceNumber> loopsOver(FileStat device) {
    Set<DeviceNumber> family = familyOf(device);
    return sys.activeLoops().stream()
        .filter(
            loop ->
                sys.loopBacking(loop)
                    .flatMap(FileStat::find)
                    .filter(
                        backing ->
                            backing.same(device)
                                || (backing.block() && family.contains(backing.number())))
                    .isPresent())
        .toList();
  }

  /** The device and its partitions; nothing for a regular file. */
  Set<DeviceNumber> familyOf(FileStat device) {
    return device.block() ? new LinkedHashSet<>(sys.family(device.number())) : Set.of();
  }

  private boolean standsOn(FileStat device, List<DeviceNumber> upper, Through through) {
    Set<DeviceNumber> family = familyOf(device);
    Deque<DeviceNumber> toVisit = new ArrayDeque<>(upper);
    Set<DeviceNumber> visited = new HashSet<>();
    while (!toVisit.isEmpty()) {
      DeviceNumber number = toVisit.poll();
      if (!visited.add(number)) {
        continue;
      }
      if (family.contains(number)) {
        return true;
      }
      toVisit.addAll(sys.slaves(number));
      if (sys.partition(number)) {
        toVisit.add(sys.disk(number));
      }
      Optional<Path> backing = sys.loopBacking(number).or(() -> servedAt(number, through));
      Optional<FileStat> behind = backing.flatMap(FileStat::find);
      if (behind.isEmpty()) {
        continue;
      }
      if (behind.get().same(device)) {
        return true;
      }
      if (behind.get().block()) {
        toVisit.add(behind.get().number());
      } else if (through == Through.ALL) {
        toVisit.addAll(numbersOf(backing.get(), 0));
      }
    }
    return false;
  }

  /** The device behind a node of ours. */
  private Optional<Path> servedAt(DeviceNumber number, Through through) {
    if (through == Through.NOTHING) {
      return Optional.empty();
    }
    return sys.nodeLabel(number)
        .filter(label -> label.kind() == Kind.DEVICE || through == Through.ALL)
        .filter(label -> !label.path().isEmpty())
        .map(label -> Path.of(label.path()));
  }

  private boolean leadsTo(Mount mount) {
    return FileStat.find(mount.point())
        .filter(
            there ->
                there.home().equals(mount.number())
                    || (!sys.exists(mount.number()) && !isHidden(mount)))
        .isPresent();
  }

  /** A later mount on the very same point is what one gets there. */
  private boolean isHidden(Mount mount) {
    Mount last = mount;
    for (Mount other : table.mounts()) {
      if (other.point().equals(mount.point())) {
        last = other;
      }
    }
    return !last.number().equals(mount.number());
  }

  /**
   * True where a file's stamps tell of every write. A file system in memory (and an overlay with
   * one below it) has nothing to write back, so the kernel lets a page that was read through a
   * shared mapping be written without a word.
   */
  boolean stampsTellAll(Path file) {
    return stampsTellAll(file, 0);
  }

  private boolean stampsTellAll(Path path, int depth) {
    Optional<FileStat> stat = FileStat.find(path);
    if (stat.isEmpty() || depth > OVERLAY_DEPTH) {
      return true;
    }
    return mountsHolding(path, stat.get().home()).stream()
        .allMatch(
            mount ->
                !IN_MEMORY.contains(mount.type())
                    && layers(mount).stream().allMatch(layer -> stampsTellAll(layer, depth + 1)));
  }

  /** Block devices that hold the file system a path lies on. */
  private List<DeviceNumber> numbersOf(Path path, int depth) {
    List<DeviceNumber> numbers = new ArrayList<>();
    Optional<FileStat> stat = FileStat.find(path);
    if (stat.isEmpty() || depth > OVERLAY_DEPTH) {
      return numbers;
    }
    DeviceNumber home = stat.get().home();
    numbers.add(home);
    for (Mount mount : mountsHolding(path, home)) {
      numbers.addAll(numbersOf(mount));
      for (Path layer : layers(mount)) {
        numbers.addAll(numbersOf(layer, depth + 1));
      }
    }
    return numbers;
  }

  /** By number; where a file system shows other numbers to stat (subvolumes), by longest path. */
  private List<Mount> mountsHolding(Path path, DeviceNumber home) {
    List<Mount> all = table.mounts();
    List<Mount> byNumber = all.stream().filter(mount -> mount.number().equals(home)).toList();
    if (!byNumber.isEmpty()) {
      return byNumber;
    }
    Path absolute;
    try {
      absolute = path.toRealPath();
    } catch (java.io.IOException unreachable) {
      absolute = path.toAbsolutePath().normalize();
    }
    Mount best = null;
    for (Mount mount : all) {
      if (absolute.startsWith(mount.point())
          && (best == null || mount.point().getNameCount() >= best.point().getNameCount())) {
        best = mount;
      }
    }
    return best == null ? List.of() : List.of(best);
  }

  private List<DeviceNumber> numbersOf(Mount mount) {
    List<DeviceNumber> numbers = new ArrayList<>();
    numbers.add(mount.number());
    if (mount.source().startsWith("/dev/")) {
      FileStat.find(Path.of(mount.source()))
          .filter(FileStat::block)
          .ifPresent(
              source -> {
                numbers.add(source.number());
                if (mount.type().equals("btrfs")) {
                  numbers.addAll(sys.btrfsMembers(source.number()));
                }
              });
    }
    return numbers;
  }

  /** Directories of other file systems that an overlay shows: the writable one and those below. */
  private static List<Path> layers(Mount mount) {
    List<Path> layers = new ArrayList<>();
    if (!mount.type().equals("overlay")) {
      return layers;
    }
    for (String option : OverlayOptions.split(mount.options(), ',')) {
      for (String key : List.of("upperdir=", "workdir=", "lowerdir=", "lowerdir+=", "datadir+=")) {
        if (option.startsWith(key)) {
          for (String path : OverlayOptions.split(option.substring(key.length()), ':')) {
            if (path.startsWith("/")) {
              layers.add(Path.of(OverlayOptions.plain(path)));
            }
          }
        }
      }
    }
    return layers;
  }
}
