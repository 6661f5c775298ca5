// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.karaf.shell.api.console.SessionFactory;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * Opens the socket where the framework property {@link #SOCKET} says, else {@code
 * ${karaf.data}/console.sock}.
 */
@Component(
    service = {},
    immediate = true)
public final class ConsoleComponent {
  /** Framework property: path of the socket. */
  static final String SOCKET = "blksnap.console.socket";

  private final ConsoleServer server;

  @Activate
  public ConsoleComponent(BundleContext context, @Reference SessionFactory sessions)
      throws IOException {
    server = new ConsoleServer(socket(context), new Console(sessions));
  }

  private static Path socket(BundleContext context) {
    String socket = context.getProperty(SOCKET);
    if (socket != null && !socket.isBlank()) {
      return Path.of(socket).toAbsolutePath();
    }
    String data = context.getProperty("karaf.data");
    return Path.of(data == null ? "data" : data, "console.sock").toAbsolutePath();
  }

  @Deactivate
  public void close() {
    server.close();
  }
}
