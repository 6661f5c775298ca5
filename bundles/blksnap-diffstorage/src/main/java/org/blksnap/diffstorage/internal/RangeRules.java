// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.linux.file.FileIdentity;

/** What ranges a pool accepts. */
final class RangeRules {
  private RangeRules() {}

  /** The ranges as they will be used; EINVAL with the values where one is refused. */
  static List<ByteRange> check(Path path, List<ByteRange> ranges, Geometry geometry)
      throws BlksnapException {
    int unit = Math.max(ByteRange.SECTOR, geometry.logicalBlockSize());
    long capacity = geometry.capacity() / unit * unit;
    if (capacity == 0) {
      throw refused(
          path,
          "it is empty: " + geometry.capacity() + " bytes; make it larger first, or give another");
    }
    if (geometry.readOnly()) {
      throw new BlksnapException(
          Errno.EROFS, path + " refused as difference storage: it is read-only; give another");
    }
    if (ranges.isEmpty()) {
      return List.of(new ByteRange(0, capacity));
    }
    for (ByteRange range : ranges) {
      String said = "bytes " + range.offset() + " to " + range.end();
      if (range.length() == 0) {
        throw refused(path, said + ": an empty range; leave it out");
      }
      if (range.offset() % unit != 0 || range.length() % unit != 0) {
        throw refused(path, said + ": both ends must be multiples of " + unit + " bytes");
      }
      if (range.end() > capacity) {
        throw refused(path, said + ": it ends at byte " + capacity + "; give ranges inside");
      }
    }
    return List.copyOf(ranges);
  }

  /** A device ends with its file's last sector; storage ends with the file's last whole one. */
  static Geometry usable(Path path, FileIdentity identity, Geometry geometry)
      throws BlksnapException {
    if (identity.block()) {
      return geometry;
    }
    try {
      long bytes = Files.size(path);
      long behind = geometry.capacity() - bytes;
      return behind > 0 && behind < ByteRange.SECTOR ? geometry.withCapacity(bytes) : geometry;
    } catch (IOException e) {
      throw Failures.of(e, path, "asking for its size");
    }
  }

  /** Which file it is; EINVAL where storage cannot stand on what it is. */
  static FileIdentity identify(Path path) throws BlksnapException {
    FileIdentity identity;
    try {
      identity = FileIdentity.of(path);
    } catch (IOException e) {
      throw Failures.of(e, path, "looking at it");
    }
    if (identity.kind() == FileIdentity.Kind.OTHER) {
      throw refused(
          path,
          "neither a regular file nor a block device; give one of these, or give a directory as a"
              + " directory");
    }
    return identity;
  }

  private static BlksnapException refused(Path path, String why) {
    return new BlksnapException(Errno.EINVAL, path + " refused as difference storage: " + why);
  }
}
