// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Files that their owner alone may read, replaced wholly or not at all. */
final class PrivateFile {
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private PrivateFile() {}

  /** Also true for a dangling link: something stands there. */
  static boolean exists(Path file) {
    return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
  }

  /** Data first, then the name: written beside the file, forced to disk, renamed over it. */
  static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent(), OWNER_DIRECTORY);
    Path beside = file.resolveSibling(file.getFileName() + ".part");
    Files.deleteIfExists(beside);
    try (FileChannel channel = FileChannel.open(beside, Set.of(CREATE_NEW, WRITE), OWNER_FILE)) {
      ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    move(beside, file);
  }

  /** Renames within a directory, and forces the directory to disk. */
  static void move(Path from, Path to) throws IOException {
    Files.move(from, to, ATOMIC_MOVE);
    try (FileChannel directory = FileChannel.open(to.getParent(), READ)) {
      directory.force(true);
    }
  }
}
