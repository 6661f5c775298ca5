// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Where the storage of snapshots goes that nobody gave a place for. */
final class DefaultStorage {
  private DefaultStorage() {}

  static Path below(Path stateDirectory) {
    return stateDirectory.resolve("diff");
  }

  /** Makes it, readable by its owner alone, where it is not there yet. */
  static Path made(Path stateDirectory) throws IOException {
    return Files.createDirectories(
        below(stateDirectory),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }
}
