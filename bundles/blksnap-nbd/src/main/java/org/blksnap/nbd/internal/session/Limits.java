// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

/**
 * The bounds every connection lives under.
 *
 * @param maximumConnections clients at once, over all listeners
 * @param connectionsPerPeer clients at once from one address; the server's own user and root at the
 *     unix socket are not counted
 * @param reservedConnections of all connections, those that only the server's own user and root at
 *     the unix socket may have
 * @param maximumRequest bytes of data in one request
 * @param maximumInFlight requests of one connection being worked on at once
 * @param handshakeSeconds time a client has from connecting to the transmission phase
 * @param stallSeconds time after which a client is given up that takes none of its replies, or is
 *     silent in the midst of a request
 * @param keepaliveSeconds silence on TCP after which the peer's host is asked whether it lives
 * @param imagesReadOnly writes to images are refused
 */
public record Limits(
    int maximumConnections,
    int connectionsPerPeer,
    int reservedConnections,
    int maximumRequest,
    int maximumInFlight,
    int handshakeSeconds,
    int stallSeconds,
    int keepaliveSeconds,
    boolean imagesReadOnly) {
  public static final Limits DEFAULTS = new Limits(64, 32, 4, 32 << 20, 64, 10, 60, 60, false);

  /** The defaults but for these. */
  public Limits(
      int maximumConnections,
      int maximumRequest,
      int maximumInFlight,
      int handshakeSeconds,
      boolean imagesReadOnly) {
    this(
        maximumConnections,
        32,
        4,
        maximumRequest,
        maximumInFlight,
        handshakeSeconds,
        60,
        60,
        imagesReadOnly);
  }

  /** Connections that anybody may have; at least one, however many are reserved. */
  public int openToAll() {
    return Math.max(1, maximumConnections - reservedConnections);
  }

  /** Devices of sources open at once: half of what one peer may have; at least one. */
  public int maximumSources() {
    return Math.max(1, Math.min(openToAll(), connectionsPerPeer) / 2);
  }
}
