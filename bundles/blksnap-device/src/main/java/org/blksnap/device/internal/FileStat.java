// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What stat(2) answers, following links. Opens nothing, so that it neither disturbs advisory locks
 * nor minds interrupts.
 *
 * @param mode type and permissions
 * @param dev encoded device number of the file system
 * @param rdev encoded device number of a device node
 * @param ino inode
 * @param size bytes; 0 for a block device
 * @param modifiedNs last change of the content, ns since the epoch
 * @param changedNs last change of content or inode, ns since the epoch
 */
record FileStat(
    int mode, long dev, long rdev, long ino, long size, long modifiedNs, long changedNs) {
  private static final int TYPE_MASK = 0xf000;
  private static final int TYPE_REGULAR = 0x8000;
  private static final int TYPE_BLOCK = 0x6000;

  static FileStat of(Path path) throws IOException {
    Map<String, Object> all =
        Files.readAttributes(path, "unix:mode,dev,rdev,ino,size,lastModifiedTime,ctime");
    return new FileStat(
        (Integer) all.get("mode"),
        (Long) all.get("dev"),
        (Long) all.get("rdev"),
        (Long) all.get("ino"),
        (Long) all.get("size"),
        ((FileTime) all.get("lastModifiedTime")).to(TimeUnit.NANOSECONDS),
        ((FileTime) all.get("ctime")).to(TimeUnit.NANOSECONDS));
  }

  /** Empty where there is no such file or it may not be looked at. */
  static Optional<FileStat> find(Path path) {
    try {
      return Optional.of(of(path));
    } catch (IOException missing) {
      return Optional.empty();
    }
  }

  boolean regular() {
    return (mode & TYPE_MASK) == TYPE_REGULAR;
  }

  boolean block() {
    return (mode & TYPE_MASK) == TYPE_BLOCK;
  }

  /** The device this node stands for. */
  DeviceNumber number() {
    return DeviceNumber.of(rdev);
  }

  /** The device of the file system the file lies on. */
  DeviceNumber home() {
    return DeviceNumber.of(dev);
  }

  /** True where both are the same device, or the same file. */
  boolean same(FileStat other) {
    return block()
        ? other.block() && rdev == other.rdev
        : !other.block() && dev == other.dev && ino == other.ino;
  }
}
