// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.Map;
import org.blksnap.nbd.internal.session.BufferPool;
import org.blksnap.nbd.internal.session.Limits;

/**
 * Who may connect, and how many are here.
 *
 * <p>One peer has so many connections, all of them together so many; the last few are kept for the
 * server's own user and root at the unix socket, so that an administrator gets in where the network
 * has taken everything else. Connections that a predecessor left are counted, never refused.
 */
final class Admission {
  private final BufferPool buffers;

  @GuardedBy("this")
  private final Map<Peer, Integer> present = new HashMap<>();

  @GuardedBy("this")
  private int count;

  @GuardedBy("this")
  private long refused;

  Admission(BufferPool buffers) {
    this.buffers = buffers;
  }

  /** Empty where the peer is let in, and counted then; else why it is not. */
  synchronized String enter(Peer peer, Limits limits) {
    String why = refusal(peer, limits);
    if (why.isEmpty()) {
      adopt(peer);
    } else {
      refused++;
    }
    return why;
  }

  @GuardedBy("this")
  private String refusal(Peer peer, Limits limits) {
    if (peer.local() && !peer.trusted()) {
      return "user "
          + peer.name()
          + " may not use this socket: it is for the user the server runs as, and for root";
    }
    int own = present.getOrDefault(peer, 0);
    if (!peer.trusted() && own >= limits.connectionsPerPeer()) {
      return peer.name()
          + " has "
          + own
          + " connections, allowed "
          + limits.connectionsPerPeer()
          + " (maximum_connections_per_peer of org.blksnap.nbd); end some of them";
    }
    int allowed = peer.trusted() ? limits.maximumConnections() : limits.openToAll();
    if (count >= allowed) {
      return "the server is full: "
          + count
          + " connections are open, allowed "
          + allowed
          + "; end other clients or raise maximum_connections of org.blksnap.nbd";
    }
    return room(limits, peer.trusted())
        ? ""
        : "no memory for one more connection beside "
            + count
            + "; end other clients or give the JVM more memory (-Xmx, -XX:MaxDirectMemorySize)";
  }

  /** Memory is kept for the reserved connections too, but never more than a quarter. */
  private boolean room(Limits limits, boolean trusted) {
    int bytes = buffers.standingBytes(limits.maximumConnections());
    long kept = Math.min(limits.reservedConnections(), buffers.roomInAll(bytes) / 4);
    return buffers.room(bytes) > (trusted ? 0 : kept);
  }

  /** Counts one that is here already. */
  synchronized void adopt(Peer peer) {
    present.merge(peer, 1, Integer::sum);
    count++;
  }

  synchronized void leave(Peer peer) {
    present.computeIfPresent(peer, (who, own) -> own == 1 ? null : own - 1);
    count--;
  }

  synchronized int count() {
    return count;
  }

  /** Clients turned away since the start. */
  synchronized long refused() {
    return refused;
  }

  /** Nobody but the server's own user and root gets in now. */
  synchronized boolean full(Limits limits) {
    return count >= limits.openToAll() || !room(limits, false);
  }

  /** Who has most connections, for a person. */
  synchronized String largest() {
    return present.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(most -> most.getKey().name() + " has " + most.getValue())
        .orElse("nobody is connected");
  }
}
