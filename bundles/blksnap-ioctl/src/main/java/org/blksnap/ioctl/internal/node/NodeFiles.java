// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.spi.node.KernelNode;

/** What {@code /sys/block} says about nodes. What cannot be read is not there. */
final class NodeFiles {
  private static final int SECTOR = 512;

  private final Path block;

  /** {@code /sys/block}, or a copy of it. */
  NodeFiles(Path block) {
    this.block = block;
  }

  boolean exists(int index) {
    return Files.isDirectory(directory(index));
  }

  /** Connected by somebody, and not let go of since. */
  boolean connected(int index) {
    return Files.exists(directory(index).resolve("pid"));
  }

  String label(int index) {
    return text(index, "backend");
  }

  KernelNode node(int index) {
    return new KernelNode(
        index,
        connected(index),
        label(index),
        connected(index) ? number(index, "size") * SECTOR : 0,
        number(index, "ro") != 0);
  }

  private Path directory(int index) {
    return block.resolve("nbd" + index);
  }

  private long number(int index, String file) {
    try {
      return Long.parseLong(text(index, file));
    } catch (NumberFormatException unreadable) {
      return 0;
    }
  }

  private String text(int index, String file) {
    try {
      return Files.readString(directory(index).resolve(file)).strip();
    } catch (IOException absent) {
      return "";
    }
  }
}
