// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.device;

import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.kernel.internal.host.Disk;

/** What may not be attached, and why. */
final class AttachRefusals {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
  private static final int LONGEST_NAME = 64;

  private final DeviceBook book;
  private final OtherUses uses;

  AttachRefusals(DeviceBook book, OtherUses uses) {
    this.book = book;
    this.uses = uses;
  }

  /** EOPNOTSUPP. */
  static void unsupported(AttachRequest asked) throws BlksnapException {
    if (asked.readOnly() || asked.durable()) {
      throw new BlksnapException(
          Errno.EOPNOTSUPP,
          asked.path()
              + " refused: the kernel engine cannot attach a device "
              + (asked.readOnly() ? "read-only" : "with a durable change map")
              + "; leave "
              + (asked.readOnly() ? "--read-only" : "--durable")
              + " out, or attach it with --engine userspace");
    }
  }

  /** EINVAL, EEXIST. */
  void checkName(String name, Disk disk) throws BlksnapException {
    if (!NAME.matcher(name).matches() || name.startsWith("blksnap-image")) {
      throw new BlksnapException(
          Errno.EINVAL,
          "device name \""
              + name
              + "\" refused: 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or"
              + " digit, and not like an image's");
    }
    Optional<LiveDevice> other = book.named(name).filter(device -> !device.disk().is(disk));
    if (other.isPresent()) {
      throw new BlksnapException(
          Errno.EEXIST,
          "device name "
              + name
              + " is taken by "
              + other.get().path()
              + "; choose another one with --name");
    }
  }

  /** What the kernel has refused, in words. */
  static BlksnapException byTheKernel(Disk disk, BlksnapException e) {
    String why =
        switch (e.errno()) {
          case EOPNOTSUPP ->
              "the kernel module filters no zoned and no DAX (persistent memory) device, which this"
                  + " one is; attach a device above it that is neither, or with --engine userspace";
          case ETIMEDOUT ->
              "requests that are under way on it do not end; attach it again once it answers";
          case EBUSY -> "another filter is on it; take that off, or attach another device";
          case ENODEV, ENXIO, ENOENT -> "it is not there any more; lsblk lists what is";
          default ->
              "the kernel module would not filter it; its reason is in the kernel's log (dmesg)";
        };
    return new BlksnapException(
        e.errno(),
        "device "
            + disk.node()
            + " ("
            + disk.number()
            + ") refused: "
            + why
            + " ["
            + e.getMessage()
            + "]",
        e);
  }

  /** EALREADY, and EBUSY where it is storage. */
  void checkFree(Disk disk) throws BlksnapException {
    Optional<LiveDevice> same = book.on(disk);
    if (same.isPresent()) {
      throw new BlksnapException(
          Errno.EALREADY, disk.node() + " is attached already, as " + same.get().name());
    }
    Optional<UUID> holder = uses.storageOn(disk);
    if (holder.isPresent()) {
      throw new BlksnapException(
          Errno.EBUSY,
          disk.node()
              + " refused: it is, or is a part or the disk of, difference storage of snapshot "
              + holder.get()
              + ", which writes to it; attach another device, or destroy that first"
              + " (blksnap:snapshot-destroy)");
    }
  }

  /** A name made of the path. */
  static String nameOf(Path path) {
    String last = path.getFileName() == null ? "device" : path.getFileName().toString();
    String name = last.replaceAll("[^A-Za-z0-9._-]", "_").replaceAll("^[^A-Za-z0-9]+", "");
    return name.isEmpty() ? "device" : name.substring(0, Math.min(LONGEST_NAME, name.length()));
  }
}
