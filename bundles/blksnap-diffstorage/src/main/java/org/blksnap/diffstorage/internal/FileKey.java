// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * Which file it is, by whatever name: the device number of a block device, the inode of a regular
 * file.
 *
 * @param block a block device
 * @param device its own device number, or that of the file system a regular file lies on
 * @param inode of a regular file, else 0
 */
record FileKey(boolean block, long device, long inode) {
  private static final int TYPE = 0xf000;
  private static final int TYPE_BLOCK = 0x6000;
  private static final int TYPE_REGULAR = 0x8000;

  static FileKey of(Path path) throws BlksnapException {
    Map<String, Object> seen;
    try {
      seen = Files.readAttributes(path, "unix:mode,dev,ino,rdev");
    } catch (IOException e) {
      throw Failures.of(e, path, "looking at it");
    }
    int type = ((Number) seen.get("mode")).intValue() & TYPE;
    if (type == TYPE_BLOCK) {
      return new FileKey(true, ((Number) seen.get("rdev")).longValue(), 0);
    }
    if (type == TYPE_REGULAR) {
      return new FileKey(
          false, ((Number) seen.get("dev")).longValue(), ((Number) seen.get("ino")).longValue());
    }
    throw new BlksnapException(
        Errno.EINVAL,
        path
            + " refused as difference storage: neither a regular file nor a block device; give one"
            + " of these, or give a directory as a directory");
  }

  /** Major part of the device number. */
  int major() {
    return (int) ((device >>> 8 & 0xfff) | (device >>> 32 & ~0xfffL));
  }

  /** Minor part of the device number. */
  int minor() {
    return (int) ((device & 0xff) | (device >>> 12 & ~0xffL));
  }

  /** How the state file keeps it: what stays true when the same file is opened again. */
  String kept() {
    return block ? "block:" + major() + ":" + minor() : "inode:" + inode;
  }
}
