// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.spi.node.NodeHost;

/**
 * The services nodes stand on, as they come and go. What is asked for and absent is ESHUTDOWN, with
 * the name of its bundle.
 */
final class Ground {
  private final List<SnapshotService> engines = new CopyOnWriteArrayList<>();
  private volatile NodeHost host;
  private volatile ExportService exports;
  private volatile Path state;

  @GuardedBy("this")
  private StateLocation location;

  void engine(SnapshotService engine, boolean present) {
    if (present) {
      engines.add(engine);
    } else {
      engines.remove(engine);
    }
  }

  /** Likewise. */
  synchronized void host(NodeHost service, boolean present) {
    if (present) {
      host = service;
    } else if (host == service) {
      host = null;
    }
  }

  /** One that goes is ignored where another has taken its place. */
  synchronized void exports(ExportService service, boolean present) {
    if (present) {
      exports = service;
    } else if (exports == service) {
      exports = null;
    }
  }

  /** Likewise. */
  synchronized void state(StateLocation service, boolean present) {
    if (present) {
      location = service;
      state = service.directory();
    } else if (location == service) {
      location = null;
      state = null;
    }
  }

  List<SnapshotService> engines() {
    return engines;
  }

  Optional<NodeHost> host() {
    return Optional.ofNullable(host);
  }

  boolean complete() {
    return host != null && exports != null && state != null;
  }

  NodeHost requireHost() throws BlksnapException {
    return present(host, "the system calls are not there", "org.blksnap.ioctl");
  }

  ExportService requireExports() throws BlksnapException {
    return present(exports, "the NBD server is not there", "org.blksnap.nbd");
  }

  UUID instance() throws BlksnapException {
    Path directory = present(state, "the state directory is not known", "org.blksnap.control");
    try {
      return Instance.of(directory);
    } catch (BlksnapException refused) {
      throw refused;
    } catch (IOException failure) {
      throw new BlksnapException(
          BlksnapException.errnoOf(failure),
          directory.resolve(Instance.FILE) + ": " + failure,
          failure);
    }
  }

  private static <T> T present(T service, String missing, String bundle) throws BlksnapException {
    if (service == null) {
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "device nodes: " + missing + "; see what the bundle " + bundle + " waits for (scr:list)");
    }
    return service;
  }
}
