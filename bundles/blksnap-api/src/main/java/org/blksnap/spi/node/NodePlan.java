// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.node;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * What a node is to be connected to.
 *
 * @param socket the server's unix socket; its path has 107 bytes at most
 * @param export the name the server knows it by
 * @param label by which the node is found again; 1 to {@link NodeLabel#MOST_BYTES} bytes
 * @param size the least bytes the export must have; -1 for any
 * @param connections 1 to {@link #MOST_CONNECTIONS}. With one, the kernel waits for an answer as
 *     long as the server takes. With several it takes a connection for dead whose request is
 *     unanswered after {@code requestTimeout}, and repeats the request on another one
 * @param requestTimeout whole seconds; zero for none, which is allowed with one connection only
 * @param deadTimeout whole seconds, above zero: how long I/O waits where no connection is alive,
 *     before it fails
 */
public record NodePlan(
    Path socket,
    String export,
    String label,
    long size,
    int connections,
    Duration requestTimeout,
    Duration deadTimeout) {
  public static final int MOST_CONNECTIONS = 16;

  /** IllegalArgumentException: a value is out of its range. */
  public NodePlan {
    Objects.requireNonNull(socket, "socket");
    Objects.requireNonNull(export, "export");
    if (label.isEmpty() || label.getBytes().length > NodeLabel.MOST_BYTES) {
      throw new IllegalArgumentException("label of " + label.length() + " characters");
    }
    if (connections < 1 || connections > MOST_CONNECTIONS) {
      throw new IllegalArgumentException(
          connections + " connections; allowed are 1 to " + MOST_CONNECTIONS);
    }
    if (requestTimeout.isNegative() || (requestTimeout.isZero() && connections > 1)) {
      throw new IllegalArgumentException(
          "request timeout " + requestTimeout + " with " + connections + " connections");
    }
    if (deadTimeout.getSeconds() < 1) {
      throw new IllegalArgumentException("dead-connection timeout " + deadTimeout);
    }
  }
}
