// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;
import org.blksnap.nbd.internal.session.Limits;

/**
 * Who is at the other end of a connection.
 *
 * @param name the address at TCP, the user at a unix socket
 * @param local connected by a unix socket
 * @param trusted at a unix socket, the user the server runs as, or root
 */
record Peer(String name, boolean local, boolean trusted) {
  /** Between two probes of a silent TCP peer, and how many are left unanswered. */
  static final int PROBE_SECONDS = 10;

  static final int PROBES = 6;

  /** Asked of the kernel, so nobody can pretend. */
  static Peer of(SocketChannel client) throws IOException {
    if (client.getLocalAddress() instanceof UnixDomainSocketAddress) {
      return local(client.getOption(ExtendedSocketOptions.SO_PEERCRED).user());
    }
    return client.getRemoteAddress() instanceof InetSocketAddress from
        ? new Peer(from.getAddress().getHostAddress(), false, false)
        : new Peer("nobody", false, false);
  }

  private static Peer local(UserPrincipal user) throws IOException {
    boolean trusted = user.equals(user(ownNumber())) || user.equals(user("0"));
    return new Peer(user.getName(), true, trusted);
  }

  /** Not the owner of {@code /proc/self}, who is root for a process that was given capabilities. */
  private static String ownNumber() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("Uid:"))
        .map(line -> line.split("\\s+")[2])
        .findFirst()
        .orElseThrow(() -> new IOException("no user in /proc/self/status"));
  }

  private static UserPrincipal user(String number) throws IOException {
    return FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(number);
  }

  /** What a TCP connection needs so that a dead peer is noticed and small replies do not wait. */
  void tune(SocketChannel client, Limits limits) throws IOException {
    if (local) {
      return;
    }
    client.setOption(StandardSocketOptions.TCP_NODELAY, true);
    client.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
    client.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, limits.keepaliveSeconds());
    client.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, PROBE_SECONDS);
    client.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, PROBES);
  }
}
