// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.linux.proc.KernelText;
import org.blksnap.linux.proc.MountTable;
import org.blksnap.linux.proc.MountTable.Mount;

/** The block devices of a Linux host, from stat(2), /proc and /sys. No state. */
public final class LinuxDisks implements Disks {
  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,7}:[0-9]{1,7}");

  private final MountTable table;
  private final Path sys;
  private final Path dev;

  public LinuxDisks() {
    this(new MountTable(Path.of("/proc")), Path.of("/sys"), Path.of("/dev"));
  }

  LinuxDisks(MountTable table, Path sys, Path dev) {
    this.table = table;
    this.sys = sys;
    this.dev = dev;
  }

  @Override
  public Disk find(Path asked) throws BlksnapException {
    Optional<DeviceNumber> number = numberIn(asked);
    if (number.isPresent() && !Files.exists(asked)) {
      return ofNumber(number.get());
    }
    FileIdentity identity = identity(asked);
    return switch (identity.kind()) {
      case BLOCK ->
          new Disk(
              asked.toAbsolutePath().normalize(),
              identity.number().major(),
              identity.number().minor());
      case REGULAR ->
          throw new BlksnapException(
              Errno.ENODEV,
              asked
                  + " refused: it is a regular file, and the kernel module filters block devices;"
                  + " attach it with --engine userspace, or put a loop device over it");
      case OTHER -> mountedAt(asked);
    };
  }

  @Override
  public boolean isFile(Path path) {
    return Files.isRegularFile(path);
  }

  /** {@code 8:1}, also where somebody has made an absolute path of it. */
  private static Optional<DeviceNumber> numberIn(Path asked) {
    String last = asked.getFileName() == null ? "" : asked.getFileName().toString();
    return NUMBER.matcher(last).matches() ? DeviceNumber.parse(last) : Optional.empty();
  }

  private Disk ofNumber(DeviceNumber number) throws BlksnapException {
    Path entry = sys.resolve("dev/block").resolve(number.toString());
    Optional<String> name =
        KernelText.lines(entry.resolve("uevent")).stream()
            .filter(line -> line.startsWith("DEVNAME="))
            .map(line -> line.substring("DEVNAME=".length()))
            .findFirst();
    if (name.isEmpty()) {
      throw new BlksnapException(
          Errno.ENODEV, "no block device has the number " + number + "; lsblk lists them");
    }
    return new Disk(dev.resolve(name.get()), number.major(), number.minor());
  }

  private static FileIdentity identity(Path path) throws BlksnapException {
    try {
      return FileIdentity.of(path);
    } catch (IOException e) {
      throw new BlksnapException(BlksnapException.errnoOf(e), path + " refused: " + e, e);
    }
  }

  private Disk mountedAt(Path asked) throws BlksnapException {
    Path real = real(asked);
    Optional<Mount> mount =
        table.mounts().stream().filter(m -> m.point().equals(real)).reduce((a, b) -> b);
    if (!Files.isDirectory(real) || mount.isEmpty()) {
      throw new BlksnapException(
          Errno.ENODEV,
          asked
              + " refused: it is neither a block device, nor a device number such as 8:1, nor a"
              + " mount point");
    }
    return beneath(mount.get())
        .orElseThrow(
            () ->
                new BlksnapException(
                    Errno.ENODEV,
                    asked
                        + " refused: the "
                        + mount.get().type()
                        + " mounted there stands on no single block device; name the block device"
                        + " itself"));
  }

  private static Path real(Path path) throws BlksnapException {
    try {
      return path.toRealPath();
    } catch (IOException e) {
      throw new BlksnapException(BlksnapException.errnoOf(e), path + " refused: " + e, e);
    }
  }

  /** btrfs has a number of its own that is no device's: then it is what was mounted. */
  private Optional<Disk> beneath(Mount mount) throws BlksnapException {
    if (mount.number().major() != 0) {
      return Optional.of(ofNumber(mount.number()));
    }
    Optional<FileIdentity> source = FileIdentity.find(Path.of(mount.source()));
    if (!mount.type().equals("btrfs") || source.filter(FileIdentity::block).isEmpty()) {
      return Optional.empty();
    }
    DeviceNumber number = source.get().number();
    return devicesOfBtrfs(number) == 1 ? Optional.of(ofNumber(number)) : Optional.empty();
  }

  /** How many devices the btrfs on this one has; 0 where that is not seen. */
  private int devicesOfBtrfs(DeviceNumber number) {
    try (var systems = Files.list(sys.resolve("fs/btrfs"))) {
      for (Path system : systems.filter(s -> Files.isDirectory(s.resolve("devices"))).toList()) {
        try (var devices = Files.list(system.resolve("devices"))) {
          List<Path> all = devices.toList();
          for (Path device : all) {
            if (KernelText.read(device.resolve("dev")).equals(Optional.of(number.toString()))) {
              return all.size();
            }
          }
        }
      }
    } catch (IOException unseen) {
      return 0;
    }
    return 0;
  }

  @Override
  public Optional<String> medium(Disk disk) {
    Path entry = sys.resolve("dev/block").resolve(disk.number());
    return KernelText.read(entry.resolve("diskseq"))
        .or(() -> KernelText.read(entry.resolve("../diskseq")));
  }

  @Override
  public void check(Disk disk) throws BlksnapException {
    Optional<FileIdentity> now = FileIdentity.find(disk.node()).filter(FileIdentity::block);
    if (now.isEmpty() || !now.get().number().toString().equals(disk.number())) {
      throw new BlksnapException(
          Errno.ENODEV,
          disk.node()
              + " leads to "
              + now.map(found -> "block device " + found.number()).orElse("no block device")
              + " now, and was "
              + disk.number()
              + "; attach that by a path that stays, such as one in /dev/disk/by-id");
    }
  }

  @Override
  public Optional<String> sight(Path node) {
    return FileIdentity.find(node)
        .filter(FileIdentity::block)
        .map(found -> sightOf(found.number().toString()));
  }

  @Override
  public Optional<String> sightNamed(String name) {
    return KernelText.read(sys.resolve("block").resolve(name).resolve("dev")).map(this::sightOf);
  }

  private String sightOf(String number) {
    Path entry = sys.resolve("dev/block").resolve(number);
    return number + KernelText.read(entry.resolve("diskseq")).map(seq -> " disk " + seq).orElse("");
  }

  @Override
  public boolean onOneDisk(Disk one, Disk other) {
    return whole(one.number()).equals(whole(other.number()));
  }

  @Override
  public boolean overlap(String one, String other) {
    return one.equals(other) || whole(one).equals(other) || whole(other).equals(one);
  }

  /** Number of the disk that this is, or is a partition of. */
  private String whole(String number) {
    Path entry = sys.resolve("dev/block").resolve(number);
    return Files.exists(entry.resolve("partition"))
        ? KernelText.read(entry.resolve("../dev")).orElse(number)
        : number;
  }

  @Override
  public Ground ground(Path place) throws BlksnapException {
    long device = identity(place).device();
    Path real = real(place);
    Optional<Mount> mount =
        table.mounts().stream()
            .filter(m -> real.startsWith(m.point()))
            .filter(m -> isOn(device, m))
            .reduce((a, b) -> b.point().getNameCount() >= a.point().getNameCount() ? b : a);
    if (mount.isEmpty()) {
      throw new BlksnapException(
          Errno.ENODEV, place + " refused: the file system that holds it is not in /proc/mounts");
    }
    Mount found = mount.get();
    Optional<Disk> disk =
        found.number().major() == 0 ? Optional.empty() : Optional.of(ofNumber(found.number()));
    return new Ground(found.type(), found.point(), found.options(), disk);
  }

  private static boolean isOn(long device, Mount mount) {
    return mount.number().equals(DeviceNumber.of(device)) || mount.number().major() == 0;
  }
}
