// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Links from the name an image has to its node. One is ours where it leads to the image's node, or
 * to a node that nobody has connected, which is what a node that went without us leaves behind.
 * Anything else of that name stays as it is.
 */
final class ImageLinks {
  private static final Pattern IMAGE = Pattern.compile("blksnap-image_\\d+:\\d+");
  private static final Pattern NODE = Pattern.compile("(?:/dev/)?nbd(\\d+)");
  private static final Logger LOG = LoggerFactory.getLogger(ImageLinks.class);

  private final Path directory;

  /** {@code /dev}, or a directory in its place. */
  ImageLinks(Path directory) {
    this.directory = directory;
  }

  /**
   * The link to this node; empty where the export is no image, or something else is in the way.
   *
   * @param connected whether a node is connected, by its index
   */
  Optional<Path> make(String export, int index, IntPredicate connected) {
    if (!IMAGE.matcher(export).matches()) {
      return Optional.empty();
    }
    Path link = directory.resolve(export);
    try {
      if (Files.exists(link, LinkOption.NOFOLLOW_LINKS)) {
        int there = target(link);
        if (there == index) {
          return Optional.of(link);
        }
        if (there < 0 || connected.test(there)) {
          LOG.warn("{} not made for /dev/nbd{}: something else is there", link, index);
          return Optional.empty();
        }
        Files.delete(link);
      }
      Files.createSymbolicLink(link, Path.of("nbd" + index));
      return Optional.of(link);
    } catch (IOException failure) {
      LOG.warn("{} not made for /dev/nbd{}: {}", link, index, failure.toString());
      return Optional.empty();
    }
  }

  /** Removes it where it leads to this node. */
  void remove(String export, int index) {
    if (!IMAGE.matcher(export).matches()) {
      return;
    }
    Path link = directory.resolve(export);
    try {
      if (target(link) == index) {
        Files.delete(link);
      }
    } catch (IOException failure) {
      LOG.warn("{} not removed: {}", link, failure.toString());
    }
  }

  /** The index of the node it leads to; -1 where it is no such link. */
  private static int target(Path link) throws IOException {
    if (!Files.isSymbolicLink(link)) {
      return -1;
    }
    Matcher node = NODE.matcher(Files.readSymbolicLink(link).toString());
    return node.matches() ? Integer.parseInt(node.group(1)) : -1;
  }
}
