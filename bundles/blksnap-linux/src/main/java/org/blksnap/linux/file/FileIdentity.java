// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.linux.proc.KernelText;

/**
 * Which file or block device a path names, links resolved. Told without opening it: whoever opens
 * and closes a file a second time drops the POSIX lock it is attached with.
 *
 * @param kind of what it is
 * @param device encoded number of a block device itself, else of the file system it lies on
 * @param inode 0 for a block device
 */
public record FileIdentity(Kind kind, long device, long inode) {
  /** What matters of a file's type. */
  public enum Kind {
    REGULAR,
    BLOCK,
    OTHER;

    private static final int TYPE_MASK = 0xf000;
    private static final int TYPE_REGULAR = 0x8000;
    private static final int TYPE_BLOCK = 0x6000;

    /** From what stat(2) answers as mode. */
    public static Kind ofMode(int mode) {
      return switch (mode & TYPE_MASK) {
        case TYPE_REGULAR -> REGULAR;
        case TYPE_BLOCK -> BLOCK;
        default -> OTHER;
      };
    }
  }

  /** From what stat(2) answers. */
  public static FileIdentity of(int mode, long dev, long rdev, long ino) {
    Kind kind = Kind.ofMode(mode);
    return kind == Kind.BLOCK ? new FileIdentity(kind, rdev, 0) : new FileIdentity(kind, dev, ino);
  }

  public static FileIdentity of(Path path) throws IOException {
    Map<String, Object> seen = Files.readAttributes(path, "unix:mode,dev,ino,rdev");
    return of(
        ((Number) seen.get("mode")).intValue(),
        ((Number) seen.get("dev")).longValue(),
        ((Number) seen.get("rdev")).longValue(),
        ((Number) seen.get("ino")).longValue());
  }

  /** Empty where there is nothing of this name, or it may not be looked at. */
  public static Optional<FileIdentity> find(Path path) {
    try {
      return Optional.of(of(path));
    } catch (IOException missing) {
      return Optional.empty();
    }
  }

  public boolean block() {
    return kind == Kind.BLOCK;
  }

  /** Of a block device itself, else of the file system it lies on. */
  public DeviceNumber number() {
    return DeviceNumber.of(device);
  }

  /** The key of a file in {@code spi.device.DeviceIdentity}; a block device has another one. */
  public String fileKey() {
    return "file:" + device + ":" + inode;
  }

  /** How such a key begins for a loop device over what has {@code key}. */
  public static String loopKeyOver(String key) {
    return "loop:" + key + "@";
  }

  /** The file or device a loop device stands on; empty where it is none. */
  public Optional<FileIdentity> below() {
    if (!block()) {
      return Optional.empty();
    }
    Path sys = Path.of("/sys/dev/block", number().toString());
    for (String file : List.of("loop/backing_file", "../loop/backing_file")) {
      Optional<String> path = KernelText.read(sys.resolve(file));
      if (path.isPresent()) {
        return find(Path.of(path.get()));
      }
    }
    return Optional.empty(); // no loop device, nor a partition of one
  }
}
