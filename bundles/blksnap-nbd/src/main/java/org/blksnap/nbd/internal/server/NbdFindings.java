// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.health.Finding;
import org.blksnap.nbd.internal.export.Exports;
import org.blksnap.nbd.internal.export.Sources;
import org.blksnap.nbd.internal.session.Limits;
import org.blksnap.nbd.internal.session.TlsIdentity;

/** What the doctor is told of the server. */
public final class NbdFindings {
  private NbdFindings() {}

  public static Finding finding(Finding.Severity severity, String observation, String remedy) {
    return new Finding(severity, "NBD server", observation, remedy);
  }

  /** Whether a listener is in order. */
  public static Finding of(Listener listener, int clients) {
    String uri = listener.uri("");
    if (!listener.alive()) {
      return finding(Finding.Severity.ERROR, uri + " accepts nobody", "restart the nbd bundle");
    }
    Finding open = finding(Finding.Severity.OK, uri + " open, " + clients + " clients in all", "");
    Path socket = listener.address().socket();
    if (socket == null) {
      return open;
    }
    try {
      if (!Files.getPosixFilePermissions(socket).equals(Listener.SOCKET)) {
        return finding(
            Finding.Severity.WARNING, socket + " can be opened by others", "chmod 600 " + socket);
      }
      if (!Files.getPosixFilePermissions(socket.getParent()).equals(Listener.DIRECTORY)) {
        return finding(
            Finding.Severity.NOTE,
            socket.getParent() + " can be entered by others",
            "chmod 700 " + socket.getParent());
      }
    } catch (IOException e) {
      return finding(
          Finding.Severity.ERROR,
          socket + " is gone: " + e.getMessage(),
          "restart the nbd bundle, which makes it anew");
    }
    return open;
  }

  /** A listener that asks nobody who he is. */
  public static Optional<Finding> openDoor(Listener listener) {
    if (listener.address().socket() != null) {
      return Optional.empty();
    }
    TlsIdentity tls = listener.tls();
    if (tls != null && tls.clientCertificate()) {
      return Optional.empty();
    }
    String who =
        tls != null
            ? "whoever reaches it, without a certificate,"
            : "every user of this machine, without a password,";
    String remedy =
        tls != null
            ? "set tls_require_client_certificate = true"
            : "set tls_keystore, or use the unix socket";
    return Optional.of(
        finding(
            Finding.Severity.WARNING,
            "open door: at " + listener.uri("") + " " + who + " may " + listener.access(),
            remedy
                + " in "
                + NbdOptions.PID
                + "; tcp_exports and tcp_read_only = true make less of it"));
  }

  public static Optional<Finding> full(NbdServer server) {
    Admission admission = server.admission();
    Limits limits = server.limits();
    if (!admission.full(limits)) {
      return Optional.empty();
    }
    return Optional.of(
        finding(
            Finding.Severity.WARNING,
            "the server is full: "
                + admission.count()
                + " clients, allowed "
                + limits.maximumConnections()
                + ", of them "
                + limits.reservedConnections()
                + " kept for its own user and root at the unix socket; "
                + admission.largest()
                + "; "
                + admission.refused()
                + " turned away since the start",
            "end clients; raise maximum_connections of "
                + NbdOptions.PID
                + " where the number is the bound, -Xmx where memory is"));
  }

  /** Sources of others that are not served, and whether no more clients may have one. */
  public static List<Finding> sources(Exports exports) {
    List<Finding> found = new ArrayList<>();
    for (Exports.Unserved each : exports.unserved()) {
      found.add(
          finding(
              Finding.Severity.WARNING,
              "source (" + each.source() + ") is not served: " + each.why(),
              "give it another name, of 1 to 4096 bytes and without control characters"));
    }
    Sources sources = exports.sources();
    if (sources.open() >= sources.most()) {
      found.add(
          finding(
              Finding.Severity.WARNING,
              sources.open()
                  + " clients have a source open or wait for one, allowed are "
                  + sources.most(),
              "end clients; where they do not end, a source hangs: restart its bundle, then the nbd"
                  + " bundle; maximum_connections_per_peer of "
                  + NbdOptions.PID
                  + " raises the bound to half of it"));
    }
    return found;
  }
}
