// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.spi.device.DeviceIdentity;

/**
 * Which file or block device a path names, links resolved. Told without opening it: whoever opens
 * and closes a file a second time drops the lock it is attached with.
 *
 * @param block a block device
 * @param device its own device number, or that of the file system a file lies on
 * @param inode of a file, else 0
 */
record FileIdentity(boolean block, long device, long inode) {
  private static final int TYPE_MASK = 0xf000;
  private static final int TYPE_BLOCK = 0x6000;

  static FileIdentity of(Path path) throws IOException {
    Map<String, Object> seen = Files.readAttributes(path, "unix:mode,dev,ino,rdev");
    boolean block = (((Number) seen.get("mode")).intValue() & TYPE_MASK) == TYPE_BLOCK;
    return block
        ? new FileIdentity(true, ((Number) seen.get("rdev")).longValue(), 0)
        : new FileIdentity(
            false, ((Number) seen.get("dev")).longValue(), ((Number) seen.get("ino")).longValue());
  }

  /** Empty where there is nothing of this name, or it may not be looked at. */
  static Optional<FileIdentity> find(Path path) {
    try {
      return Optional.of(of(path));
    } catch (IOException missing) {
      return Optional.empty();
    }
  }

  private int major() {
    return (int) ((device >>> 8 & 0xfff) | (device >>> 32 & ~0xfffL));
  }

  private int minor() {
    return (int) ((device & 0xff) | (device >>> 12 & ~0xffL));
  }

  /** The file or device a loop device stands on; empty where it is none. */
  Optional<FileIdentity> below() {
    if (!block) {
      return Optional.empty();
    }
    Path sys = Path.of("/sys/dev/block", major() + ":" + minor());
    for (String file : List.of("loop/backing_file", "../loop/backing_file")) {
      try (FileInputStream in = new FileInputStream(sys.resolve(file).toFile())) {
        String path = new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        return find(Path.of(path));
      } catch (IOException none) {
        continue; // no loop device, or a partition of one
      }
    }
    return Optional.empty();
  }

  /** True where it is this device, or the file below this loop device. */
  boolean is(DeviceIdentity known) {
    if (block) {
      return known.blockDevice() && known.major() == major() && known.minor() == minor();
    }
    String key = "file:" + device + ":" + inode;
    return known.blockDevice() ? liesOn(known, key) : known.key().equals(key);
  }

  /** True where it is a loop device, or a partition of one, over the file with this key. */
  static boolean liesOn(DeviceIdentity loop, String fileKey) {
    return loop.blockDevice() && loop.key().startsWith("loop:" + fileKey + "@");
  }
}
