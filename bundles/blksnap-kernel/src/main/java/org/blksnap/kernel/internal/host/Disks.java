// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.host;

import java.nio.file.Path;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;

/** How this host names its block devices. Any thread. */
public interface Disks {
  /**
   * The block device that a person means: by its node or a link to it, by {@code major:minor}, or
   * by where its file system is mounted. ENOENT: no such path. ENODEV: none of these, a regular
   * file among others.
   */
  Disk find(Path asked) throws BlksnapException;

  /** True of a regular file, links followed. */
  boolean isFile(Path path);

  /**
   * Tells one medium in a device from the next one; empty where the system does not tell. Another
   * answer than before means that what is in the device is another.
   */
  Optional<String> medium(Disk disk);

  /** ENODEV where its node leads to another device by now, or to none. */
  void check(Disk disk) throws BlksnapException;

  /**
   * Tells a block device from any other, also one of the same number that comes later (where the
   * kernel counts disks, 5.15 and later): by its node; empty where that leads to none.
   */
  Optional<String> sight(Path node);

  /** As {@link #sight}, by the name that the kernel gives a disk. */
  Optional<String> sightNamed(String name);

  /** True where both are parts of one disk, or one is a part of the other. */
  boolean onOneDisk(Disk one, Disk other);

  /**
   * True where blocks of the one are blocks of the other: one device, or a disk and a partition of
   * it. By number.
   */
  boolean overlap(String one, String other);

  /** The file system that holds a directory or file. */
  Ground ground(Path place) throws BlksnapException;

  /**
   * A file system, and what it stands on.
   *
   * @param type such as ext4
   * @param point where it is mounted
   * @param options of the file system
   * @param disk the block device beneath; empty where there is none of its own
   */
  record Ground(String type, Path point, String options, Optional<Disk> disk) {}
}
