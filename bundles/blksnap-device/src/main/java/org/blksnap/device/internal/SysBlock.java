// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.linux.proc.KernelText;
import org.blksnap.spi.node.NodeLabel;

/** Block devices as /sys shows them. Stateless; what cannot be read is absent. */
final class SysBlock {
  private final Path sys;

  /** The directory is {@code /sys}, or a copy of it. */
  SysBlock(Path sys) {
    this.sys = sys;
  }

  boolean exists(DeviceNumber number) {
    return directory(number).isPresent();
  }

  /** The kernel's name, such as {@code sda1}. */
  String name(DeviceNumber number) {
    return directory(number).map(at -> at.getFileName().toString()).orElse(number.toString());
  }

  boolean partition(DeviceNumber number) {
    return attribute(number, "partition").isPresent();
  }

  /** The disk of a partition; the device itself where it is none. */
  DeviceNumber disk(DeviceNumber number) {
    return partition(number)
        ? directory(number).map(Path::getParent).flatMap(SysBlock::numberAt).orElse(number)
        : number;
  }

  /** The device and its partitions. */
  List<DeviceNumber> family(DeviceNumber number) {
    List<DeviceNumber> family = new ArrayList<>();
    family.add(number);
    directory(number)
        .ifPresent(
            at -> {
              for (Path child : children(at)) {
                if (Files.exists(child.resolve("partition"))) {
                  numberAt(child).ifPresent(family::add);
                }
              }
            });
    return family;
  }

  /** Devices built on top of this one (RAID, LVM, encryption). */
  List<DeviceNumber> holders(DeviceNumber number) {
    return numbersIn(number, "holders");
  }

  /** Devices this one is built of. */
  List<DeviceNumber> slaves(DeviceNumber number) {
    return numbersIn(number, "slaves");
  }

  /** All devices of the btrfs this one is part of; a mount names only one of them. */
  List<DeviceNumber> btrfsMembers(DeviceNumber number) {
    for (Path fileSystem : children(sys.resolve("fs").resolve("btrfs"))) {
      List<DeviceNumber> members = new ArrayList<>();
      for (Path member : children(fileSystem.resolve("devices"))) {
        numberAt(member).ifPresent(members::add);
      }
      if (members.contains(number)) {
        return members;
      }
    }
    return List.of();
  }

  /** A file below the device's own directory. */
  Optional<String> attribute(DeviceNumber number, String file) {
    return directory(number)
        .flatMap(at -> KernelText.read(at.resolve(file)))
        .filter(text -> !text.isEmpty());
  }

  /** A file below its disk's directory: partitions have no queue of their own. */
  Optional<String> diskAttribute(DeviceNumber number, String file) {
    return attribute(disk(number), file);
  }

  Optional<Long> diskLong(DeviceNumber number, String file) {
    try {
      return diskAttribute(number, file).map(Long::valueOf);
    } catch (NumberFormatException notANumber) {
      return Optional.empty();
    }
  }

  /** The file or device behind a loop device. */
  Optional<Path> loopBacking(DeviceNumber number) {
    return diskAttribute(number, "loop/backing_file").map(Path::of);
  }

  /** What an NBD node says about itself, where we connected it. */
  Optional<NodeLabel> nodeLabel(DeviceNumber number) {
    return diskAttribute(number, "backend").flatMap(NodeLabel::parse);
  }

  /** Every loop device in use. */
  List<DeviceNumber> activeLoops() {
    List<DeviceNumber> loops = new ArrayList<>();
    for (Path device : children(sys.resolve("block"))) {
      if (Files.exists(device.resolve("loop").resolve("backing_file"))) {
        numberAt(device).ifPresent(loops::add);
      }
    }
    return loops;
  }

  /** Where the device's own directory is found, by number. */
  Path link(DeviceNumber number) {
    return sys.resolve("dev").resolve("block").resolve(number.toString());
  }

  private Optional<Path> directory(DeviceNumber number) {
    try {
      return Optional.of(link(number).toRealPath());
    } catch (IOException missing) {
      return Optional.empty();
    }
  }

  private List<DeviceNumber> numbersIn(DeviceNumber number, String folder) {
    List<DeviceNumber> numbers = new ArrayList<>();
    directory(number)
        .ifPresent(
            at -> {
              for (Path entry : children(at.resolve(folder))) {
                numberAt(entry).ifPresent(numbers::add);
              }
            });
    return numbers;
  }

  private static Optional<DeviceNumber> numberAt(Path directory) {
    return KernelText.read(directory.resolve("dev")).flatMap(DeviceNumber::parse);
  }

  private static List<Path> children(Path directory) {
    List<Path> children = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(children::add);
    } catch (IOException missing) {
      return List.of();
    }
    children.sort(null);
    return children;
  }
}
