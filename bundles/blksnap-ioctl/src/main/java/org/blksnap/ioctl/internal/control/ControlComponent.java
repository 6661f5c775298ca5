// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.control;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.ioctl.internal.dispatch.ControlDispatcher;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * Opens the socket for native programs where the framework property {@link #SOCKET} says, else as
 * {@code control.sock} in the state directory. It serves the userspace engine: a program that wants
 * the kernel's calls the kernel. The engine comes and goes; the socket stays, and calls wait.
 */
@Component(
    service = {},
    immediate = true)
public final class ControlComponent {
  /** Framework property: path of the socket. */
  static final String SOCKET = "blksnap.ioctl.socket";

  private static final String NAME = "control.sock";

  /** How long a call waits for an engine; a swap's gap is at most as long. */
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final CallServer server;

  @Reference(
      target = "(" + SnapshotService.ENGINE + "=userspace)",
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile SnapshotService engine;

  @Activate
  public ControlComponent(BundleContext context, @Reference StateLocation location)
      throws IOException {
    String chosen = context.getProperty(SOCKET);
    Path socket =
        chosen == null || chosen.isBlank()
            ? location.directory().resolve(NAME)
            : Path.of(chosen).toAbsolutePath();
    server = new CallServer(socket, new ControlDispatcher(() -> engine, PATIENCE));
  }

  @Deactivate
  public void close() {
    server.close();
  }
}
