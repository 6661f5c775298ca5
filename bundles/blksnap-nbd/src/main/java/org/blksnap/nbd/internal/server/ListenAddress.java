// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Where to listen: a unix socket's path or a TCP address, exactly one of them. */
public record ListenAddress(Path socket, InetSocketAddress tcp) {
  public static ListenAddress unix(Path path) {
    return new ListenAddress(path.toAbsolutePath().normalize(), null);
  }

  public static ListenAddress tcp(InetSocketAddress address) {
    return new ListenAddress(null, address);
  }

  boolean loopback() {
    return tcp == null || tcp.getAddress().isLoopbackAddress();
  }

  /** The address as a URI of an export; the empty name gives the listener's own. */
  String uri(String export, boolean tls) {
    String name = URLEncoder.encode(export, StandardCharsets.UTF_8).replace("+", "%20");
    if (socket != null) {
      return "nbd+unix:///" + name + "?socket=" + path(socket.toString());
    }
    InetAddress address = tcp.getAddress();
    String host = address.getHostAddress();
    String literal = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    return (tls ? "nbds://" : "nbd://")
        + literal
        + ":"
        + tcp.getPort()
        + (name.isEmpty() ? "" : "/" + name);
  }

  private static String path(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
  }

  /** Key under which a listening socket is handed over. */
  String key() {
    return socket != null ? "unix:" + socket : "tcp:" + tcp;
  }

  @Override
  public String toString() {
    return uri("", false);
  }
}
