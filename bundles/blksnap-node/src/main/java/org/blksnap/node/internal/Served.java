// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.Export;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.spi.node.NodeLabel;
import org.blksnap.spi.node.NodeLabel.Kind;

/** What is served now, and how a node of it would be labelled. Stateless. */
final class Served {
  private static final String UNIX = "nbd+unix:///?socket=";

  private final Ground ground;

  Served(Ground ground) {
    this.ground = ground;
  }

  /** EINVAL: the server listens at no unix socket. */
  Path socket() throws BlksnapException {
    ExportService server = ground.requireExports();
    for (String listener : server.listeners()) {
      if (listener.startsWith(UNIX)) {
        String path = listener.substring(UNIX.length()).replace("+", "%2B");
        return Path.of(URLDecoder.decode(path, StandardCharsets.UTF_8));
      }
    }
    throw new BlksnapException(
        Errno.EINVAL,
        "device nodes refused: the NBD server listens at no unix socket, but at "
            + server.listeners()
            + "; set socket_path of org.blksnap.nbd");
  }

  Optional<Export> export(String name) throws BlksnapException {
    return ground.requireExports().exports().stream()
        .filter(each -> each.name().equals(name))
        .findFirst();
  }

  /** The label of a node of this export. ENOENT: it went meanwhile. ENAMETOOLONG. */
  NodeLabel label(UUID instance, Export export, int connections, long timeout)
      throws BlksnapException {
    NodeLabel label =
        switch (export.kind()) {
          case DEVICE -> {
            AttachedDevice device = device(export.name()).orElseThrow(() -> absent(export.name()));
            yield new NodeLabel(
                instance,
                Kind.DEVICE,
                connections,
                timeout,
                export.name(),
                device.identity(),
                device.path().toString());
          }
          case IMAGE -> {
            SnapshotImage image = image(export.name()).orElseThrow(() -> absent(export.name()));
            String path = device(image.device()).map(live -> live.path().toString()).orElse("");
            yield new NodeLabel(
                instance,
                Kind.IMAGE,
                connections,
                timeout,
                export.name(),
                image.snapshot().toString(),
                path);
          }
          case SOURCE ->
              new NodeLabel(instance, Kind.SOURCE, connections, timeout, export.name(), "", "");
        };
    if (label.text().length() > NodeLabel.MOST_BYTES) {
      throw new BlksnapException(
          Errno.ENAMETOOLONG,
          "node of \""
              + export.name()
              + "\" refused: its label with name and path has "
              + label.text().length()
              + " bytes, allowed are "
              + NodeLabel.MOST_BYTES
              + "; give it a shorter name or path");
    }
    return label;
  }

  private Optional<AttachedDevice> device(String name) {
    for (SnapshotService engine : ground.engines()) {
      Optional<AttachedDevice> found = engine.device(name);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private Optional<SnapshotImage> image(String name) {
    for (SnapshotService engine : ground.engines()) {
      Optional<SnapshotImage> found = engine.image(name);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  static BlksnapException absent(String export) {
    return new BlksnapException(
        Errno.ENOENT,
        "export \""
            + export
            + "\" refused: nothing is served under that name; see"
            + " blksnap:export-list");
  }
}
