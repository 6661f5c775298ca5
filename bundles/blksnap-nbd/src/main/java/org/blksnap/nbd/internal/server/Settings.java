// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.nbd.internal.export.Access;
import org.blksnap.nbd.internal.session.Limits;

/**
 * A checked configuration; immutable. Every refusal names the key, the value, what is allowed and
 * what happens now.
 *
 * @param addresses where to listen
 * @param keystore PKCS#12 file; null for no TLS
 * @param passwordFile null for an empty password
 * @param clientCertificate TLS clients need one
 * @param tcpAccess what clients have that come by TCP
 * @param limits bounds of connections
 */
public record Settings(
    List<ListenAddress> addresses,
    Path keystore,
    Path passwordFile,
    boolean clientCertificate,
    Access tcpAccess,
    Limits limits) {
  /** {@code socket_path} value for no unix socket. */
  static final String NONE = "none";

  /** Longest path of a unix socket on Linux, in bytes. */
  static final int MAXIMUM_SOCKET_PATH = 107;

  /**
   * Checks raw configuration values.
   *
   * @param state state directory; null where none is known, which is refused only if it is needed
   */
  public static Settings of(Map<String, ?> raw, Path state) throws BlksnapException {
    List<ListenAddress> addresses = new ArrayList<>();
    String socket = text(raw, "socket_path");
    if (!socket.equals(NONE)) {
      addresses.add(ListenAddress.unix(socketPath(socket, state)));
    }
    Path keystore = file(raw, "tls_keystore");
    String tcp = text(raw, "tcp_address");
    if (!tcp.isEmpty()) {
      ListenAddress address = ListenAddress.tcp(address(tcp));
      if (keystore == null) {
        checkPlain(raw, tcp, address);
      }
      addresses.add(address);
    }
    return new Settings(
        List.copyOf(addresses),
        keystore,
        file(raw, "tls_keystore_password_file"),
        flag(raw, "tls_require_client_certificate", true),
        new Access(names(raw, "tcp_exports"), flag(raw, "tcp_read_only", false)),
        limits(raw));
  }

  /** TCP asks nobody who he is, so without TLS it has to be wanted in so many words. */
  private static void checkPlain(Map<String, ?> raw, String tcp, ListenAddress address)
      throws BlksnapException {
    if (!address.loopback()) {
      throw refused(
          "tcp_address",
          tcp,
          "with tls_keystore set any address, without it a loopback address and"
              + " tcp_allow_every_local_user = true");
    }
    if (!flag(raw, "tcp_allow_every_local_user", false)) {
      throw refused(
          "tcp_address",
          tcp,
          "with tls_keystore set any address; without TLS a loopback address lets every user of"
              + " this machine have the exports: use the unix socket, or accept that with"
              + " tcp_allow_every_local_user = true, best with tcp_exports and tcp_read_only = true");
    }
  }

  private static Limits limits(Map<String, ?> raw) throws BlksnapException {
    Limits defaults = Limits.DEFAULTS;
    return new Limits(
        number(raw, "maximum_connections", defaults.maximumConnections(), 1, 1024),
        number(raw, "maximum_connections_per_peer", defaults.connectionsPerPeer(), 1, 1024),
        number(raw, "reserved_connections", defaults.reservedConnections(), 0, 64),
        number(raw, "maximum_request_bytes", defaults.maximumRequest(), 65536, 64 << 20),
        number(raw, "maximum_in_flight", defaults.maximumInFlight(), 1, 1024),
        number(raw, "handshake_timeout_seconds", defaults.handshakeSeconds(), 1, 3600),
        number(raw, "stall_timeout_seconds", defaults.stallSeconds(), 1, 3600),
        number(raw, "tcp_keepalive_seconds", defaults.keepaliveSeconds(), 1, 7200),
        flag(raw, "images_read_only", false));
  }

  /** Names between commas or blanks. */
  private static List<String> names(Map<String, ?> raw, String key) {
    return Stream.of(text(raw, key).split("[,\\s]+")).filter(name -> !name.isEmpty()).toList();
  }

  /** True where the socket lies in the state directory, since no other place is named. */
  public static boolean needsState(Map<String, ?> raw) {
    return text(raw, "socket_path").isEmpty();
  }

  private static Path socketPath(String given, Path state) throws BlksnapException {
    if (given.isEmpty() && state == null) {
      throw refused(
          "socket_path", given, "a path, as the engine's state directory is not known yet");
    }
    Path path = given.isEmpty() ? state.resolve("nbd/blksnap.sock") : Path.of(given);
    int bytes = path.toAbsolutePath().normalize().toString().getBytes().length;
    if (bytes > MAXIMUM_SOCKET_PATH || path.getFileName() == null) {
      throw refused(
          "socket_path",
          path.toString(),
          "a file's path of at most " + MAXIMUM_SOCKET_PATH + " bytes");
    }
    return path;
  }

  private static InetSocketAddress address(String text) throws BlksnapException {
    int colon = text.lastIndexOf(':');
    String allowed = "host:port with a port from 0 to 65535";
    if (colon <= 0) {
      throw refused("tcp_address", text, allowed);
    }
    String host = text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    try {
      int port = Integer.parseInt(text.substring(colon + 1));
      return new InetSocketAddress(InetAddress.getByName(host), port);
    } catch (UnknownHostException | IllegalArgumentException e) {
      throw refused("tcp_address", text, allowed);
    }
  }

  private static Path file(Map<String, ?> raw, String key) throws BlksnapException {
    String text = text(raw, key);
    if (text.isEmpty()) {
      return null;
    }
    Path path = Path.of(text);
    if (!Files.isReadable(path)) {
      throw refused(key, text, "a file that can be read");
    }
    return path;
  }

  private static int number(Map<String, ?> raw, String key, int byDefault, int minimum, int maximum)
      throws BlksnapException {
    String text = text(raw, key);
    if (text.isEmpty()) {
      return byDefault;
    }
    String allowed = "a whole number from " + minimum + " to " + maximum;
    try {
      int value = Integer.parseInt(text);
      if (value < minimum || value > maximum) {
        throw refused(key, text, allowed);
      }
      return value;
    } catch (NumberFormatException e) {
      throw refused(key, text, allowed);
    }
  }

  private static boolean flag(Map<String, ?> raw, String key, boolean byDefault)
      throws BlksnapException {
    return switch (text(raw, key)) {
      case "" -> byDefault;
      case "false" -> false;
      case "true" -> true;
      default -> throw refused(key, text(raw, key), "true or false");
    };
  }

  private static String text(Map<String, ?> raw, String key) {
    Object value = raw.get(key);
    return value == null ? "" : value.toString().trim();
  }

  private static BlksnapException refused(String key, String value, String allowed) {
    return new BlksnapException(
        Errno.EINVAL,
        key + " = \"" + value + "\" refused: allowed is " + allowed + "; the value in force stays");
  }
}
