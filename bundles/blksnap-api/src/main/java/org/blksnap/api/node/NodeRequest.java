// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.node;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * What to connect, and how. Immutable.
 *
 * @param export name of an export
 * @param node {@code /dev/nbdN} or {@code nbdN}; empty for the first that is free
 * @param connections 1 to 16; see {@link #connections(int)}
 * @param timeout whole seconds, 1 to 86400: how long I/O on the node waits for a server, then fails
 */
public record NodeRequest(String export, Optional<String> node, int connections, Duration timeout) {
  /** Long enough for a restart of the engine, and for a person to see to it. */
  public static final Duration USUAL_TIMEOUT = Duration.ofMinutes(10);

  public static final Duration LONGEST_TIMEOUT = Duration.ofDays(1);

  /** NullPointerException: a component is null. */
  public NodeRequest {
    Objects.requireNonNull(export, "export");
    Objects.requireNonNull(node, "node");
    Objects.requireNonNull(timeout, "timeout");
  }

  /** One connection, any node, ten minutes. */
  public static NodeRequest of(String export) {
    return new NodeRequest(export, Optional.empty(), 1, USUAL_TIMEOUT);
  }

  public NodeRequest at(String path) {
    return new NodeRequest(export, Optional.of(path), connections, timeout);
  }

  /**
   * One connection is the safe choice: the kernel waits for an answer as long as it takes. With
   * several it repeats, on another connection, a request that is unanswered after five minutes; a
   * write that is still at work then may come after a later one to the same place.
   */
  public NodeRequest connections(int number) {
    return new NodeRequest(export, node, number, timeout);
  }

  public NodeRequest timeout(Duration wait) {
    return new NodeRequest(export, node, connections, wait);
  }
}
