// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotService;

/**
 * Finds what a program's descriptor is among the attached devices, and by which path it is reached
 * here. A block device is its number, a file its {@code st_dev} and {@code st_ino}; a path is
 * looked at anew and believed only where it leads to the very same. Keeps nothing; any thread.
 */
final class DeviceLookup {
  private static final String FACTS = "unix:dev,ino,rdev,mode";

  /** The kind of file in {@code st_mode}. */
  private static final int KIND = 0170000;

  private static final int KIND_BLOCK = 0060000;

  private DeviceLookup() {}

  /** The attached device; empty where the target is not attached. */
  static Optional<AttachedDevice> find(SnapshotService engine, Target target) {
    String key = target.kind() == Target.Kind.FILE ? key(target) : "";
    for (AttachedDevice device : engine.devices()) {
      boolean same =
          target.kind() == Target.Kind.FILE
              ? device.major() == 0
                  && (device.identity().equals(key) || leadsTo(device.path(), target))
              : device.major() == target.major()
                  && device.minor() == target.minor()
                  && device.major() != 0;
      if (same) {
        return Optional.of(device);
      }
    }
    return Optional.empty();
  }

  /** ENOENT: it is not attached. */
  static AttachedDevice required(SnapshotService engine, Target target) throws BlksnapException {
    return find(engine, target).orElseThrow(() -> notAttached(target));
  }

  static BlksnapException notAttached(Target target) {
    return new BlksnapException(Errno.ENOENT, target + " is not attached; attach it first");
  }

  /** As devices on files are told apart; empty where the file is not reached by its path. */
  private static String key(Target target) {
    try {
      Path path = Path.of(target.path());
      Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
      return key != null && leadsTo(path, target) ? key.toString() : "";
    } catch (IOException | InvalidPathException e) {
      return "";
    }
  }

  /** ENODEV: the program sees it, but here no path leads to it. */
  static Path path(Target target) throws BlksnapException {
    try {
      Path path = Path.of(target.path());
      if (path.isAbsolute() && leadsTo(path, target)) {
        return path;
      }
    } catch (InvalidPathException e) {
      // Then it is not reached by that path.
    }
    if (target.kind() == Target.Kind.BLOCK_DEVICE) {
      Path byNumber = Path.of("/dev/block/" + target.major() + ":" + target.minor());
      if (leadsTo(byNumber, target)) {
        return byNumber;
      }
    }
    throw new BlksnapException(
        Errno.ENODEV,
        target
            + " refused: no path leads to it in the engine's file system; call from the same mount"
            + " namespace, and not on a file that was removed");
  }

  private static boolean leadsTo(Path path, Target target) {
    try {
      Map<String, Object> facts = Files.readAttributes(path, FACTS);
      if (target.kind() == Target.Kind.FILE) {
        return number(facts, "dev") == target.device() && number(facts, "ino") == target.inode();
      }
      return (number(facts, "mode") & KIND) == KIND_BLOCK
          && number(facts, "rdev") == deviceNumber(target.major(), target.minor());
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return false;
    }
  }

  private static long number(Map<String, Object> facts, String name) {
    return ((Number) facts.get(name)).longValue();
  }

  /** As Linux makes one number of both. */
  static long deviceNumber(int major, int minor) {
    return (minor & 0xffL)
        | (major & 0xfffL) << 8
        | (minor & ~0xffL & 0xffffffffL) << 12
        | (major & ~0xfffL & 0xffffffffL) << 32;
  }
}
