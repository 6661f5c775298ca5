// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.node;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/**
 * What a node says about itself in {@code /sys/block/nbdN/backend}, so that it is found again
 * whatever became of the process that connected it, and so that a file system on it is known to
 * stand on a device of ours. One line of words:
 *
 * <pre>
 * blksnap-1 INSTANCE KIND CONNECTIONS TIMEOUT EXPORT IDENTITY PATH
 * </pre>
 *
 * EXPORT, IDENTITY and PATH are percent-encoded UTF-8; KIND is {@code device}, {@code image} or
 * {@code source}. A later version may add words behind these.
 *
 * @param instance which engine's state directory
 * @param kind what is behind the export
 * @param connections how many it was connected with
 * @param timeout seconds that I/O waits for a server
 * @param export its name
 * @param identity tells one thing of that name from another: a device's identity, an image's
 *     snapshot; empty where nothing does
 * @param path the attached device's, of an image that of its live device; empty of a source
 */
public record NodeLabel(
    UUID instance,
    Kind kind,
    int connections,
    long timeout,
    String export,
    String identity,
    String path) {
  /** The kernel shows one page; what is longer is refused. */
  public static final int MOST_BYTES = 2048;

  private static final String BEGIN = "blksnap-1";
  private static final int WORDS = 8;
  private static final String NOTHING = "-";

  /** What is behind the export. */
  public enum Kind {
    DEVICE("device"),
    IMAGE("image"),
    SOURCE("source");

    private final String word;

    Kind(String word) {
      this.word = word;
    }
  }

  /** NullPointerException: a component is null. */
  public NodeLabel {
    Objects.requireNonNull(instance, "instance");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(export, "export");
    Objects.requireNonNull(identity, "identity");
    Objects.requireNonNull(path, "path");
  }

  /** As the kernel keeps it; ASCII, may be longer than {@link #MOST_BYTES}. */
  public String text() {
    return String.join(
        " ",
        BEGIN,
        instance.toString(),
        kind.word,
        Integer.toString(connections),
        Long.toString(timeout),
        encoded(export),
        encoded(identity),
        encoded(path));
  }

  /** Empty where it is no label of this system. */
  public static Optional<NodeLabel> parse(String text) {
    String[] words = text.strip().split(" ");
    if (words.length < WORDS || !words[0].equals(BEGIN) || text.contains("%00")) {
      return Optional.empty();
    }
    try {
      for (Kind kind : Kind.values()) {
        if (kind.word.equals(words[2])) {
          return Optional.of(
              new NodeLabel(
                  UUID.fromString(words[1]),
                  kind,
                  Integer.parseInt(words[3]),
                  Long.parseLong(words[4]),
                  decoded(words[5]),
                  decoded(words[6]),
                  decoded(words[7])));
        }
      }
    } catch (IllegalArgumentException foreign) {
      return Optional.empty();
    }
    return Optional.empty();
  }

  private static String encoded(String text) {
    String plain = URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    return plain.isEmpty() ? NOTHING : plain.equals(NOTHING) ? "%2D" : plain;
  }

  private static String decoded(String word) {
    return word.equals(NOTHING) ? "" : URLDecoder.decode(word, StandardCharsets.UTF_8);
  }
}
