// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import org.blksnap.api.block.ByteRange;
import org.blksnap.linux.file.FileIdentity;

/**
 * One part of a pool, as the state file keeps it.
 *
 * @param kind what it is
 * @param logicalBlock bytes; 0 for a directory
 * @param base where it begins in the pool, bytes; a directory takes no room there: 0
 * @param length bytes; for a directory its limit
 * @param offset where it begins in its file, bytes
 * @param key {@link #keyOf} the file, empty for memory and directories
 * @param path of file or directory, empty for memory
 */
record PartRecord(
    Kind kind, int logicalBlock, long base, long length, long offset, String key, String path) {
  /** What a part is. The number stands in the file. */
  enum Kind {
    /** A range of a file or block device the user gave. */
    RANGE(1),
    /** A file this pool made in a directory. */
    GROWN(2),
    /** A piece of memory. */
    MEMORY(3),
    /** A directory to grow in. */
    DIRECTORY(4);

    final int number;

    Kind(int number) {
      this.number = number;
    }

    /** Null where no kind has this number. */
    static Kind of(int number) {
      for (Kind kind : values()) {
        if (kind.number == number) {
          return kind;
        }
      }
      return null;
    }
  }

  /** How the state file keeps a file: what stays true when the same file is opened again. */
  static String keyOf(FileIdentity file) {
    return file.block() ? "block:" + file.number() : "inode:" + file.inode();
  }

  static PartRecord memory(long base, long length) {
    return new PartRecord(Kind.MEMORY, ByteRange.SECTOR, base, length, 0, "", "");
  }

  static PartRecord directory(String path, long limit) {
    return new PartRecord(Kind.DIRECTORY, 0, 0, limit, 0, "", path);
  }

  static PartRecord grown(long base, long length, String key, String path) {
    return new PartRecord(Kind.GROWN, ByteRange.SECTOR, base, length, 0, key, path);
  }

  /** True where it takes room in the pool. */
  boolean hasRoom() {
    return kind != Kind.DIRECTORY;
  }

  /** For a person. */
  String describe() {
    long sectors = length / ByteRange.SECTOR;
    return switch (kind) {
      case RANGE ->
          path + ": " + sectors + " sectors from sector " + offset / ByteRange.SECTOR + " on";
      case GROWN -> path + ": " + sectors + " sectors, made by the storage itself";
      case MEMORY -> "memory: " + sectors + " sectors";
      case DIRECTORY -> path + ": directory to grow in, up to " + sectors + " sectors";
    };
  }
}
