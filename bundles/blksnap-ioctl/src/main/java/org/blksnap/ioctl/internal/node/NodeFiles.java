// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.blksnap.spi.node.KernelNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What {@code /sys/block} says about nodes. What cannot be read is not there. */
final class NodeFiles {
  private static final int SECTOR = 512;
  private static final Logger LOG = LoggerFactory.getLogger(NodeFiles.class);

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

  /**
   * How often the kernel looks at a request without an answer. With one connection and no timeout
   * that is all it does: it sends the request again where the connection is another one by now.
   */
  void lookAfter(int index, Duration interval) {
    Path file = directory(index).resolve("queue").resolve("io_timeout");
    try {
      Files.writeString(
          file,
          Long.toString(interval.toMillis()),
          StandardOpenOption.WRITE,
          StandardOpenOption.TRUNCATE_EXISTING);
    } catch (IOException kept) {
      LOG.debug("{} stays as it is: {}", file, kept.toString());
    }
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
