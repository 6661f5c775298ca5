// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * Which engine's state this is: an id in a file of the state directory, made once. Not the path:
 * another container may have the same one, and sees the same nodes.
 */
final class Instance {
  static final String FILE = "nodes/instance";

  private Instance() {}

  /** EIO: the file is there and holds no id. */
  static UUID of(Path state) throws IOException {
    Path file = state.resolve(FILE);
    if (!Files.exists(file)) {
      make(file);
    }
    String text = Files.readString(file).strip();
    try {
      return UUID.fromString(text);
    } catch (IllegalArgumentException damaged) {
      throw new BlksnapException(
          Errno.EIO,
          file
              + " holds no id but \""
              + text
              + "\": nodes of before are not known any more; disconnect them (blksnap-nodes are"
              + " those with \"blksnap\" in /sys/block/nbd*/backend), then remove the file",
          damaged);
    }
  }

  /** Whole or not at all; of two who make it at once one wins. */
  private static void make(Path file) throws IOException {
    Files.createDirectories(file.getParent());
    Path fresh = Files.createTempFile(file.getParent(), "instance", ".new");
    try {
      Files.writeString(fresh, UUID.randomUUID() + "\n");
      Files.createLink(file, fresh);
    } catch (FileAlreadyExistsException other) {
      return;
    } finally {
      Files.deleteIfExists(fresh);
    }
  }
}
