// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes lent files ordinary ones again, and removes those that are ours. No state. */
final class Returning {
  private static final Logger LOG = LoggerFactory.getLogger(Returning.class);

  private final Supplier<HostOperations> host;
  private final Disks disks;

  /** {@code host} answers null while the bundle is away. */
  Returning(Supplier<HostOperations> host, Disks disks) {
    this.host = host;
    this.disks = disks;
  }

  /** ENOSYS. */
  HostOperations host() throws BlksnapException {
    HostOperations now = host.get();
    if (now == null) {
      throw new BlksnapException(
          Errno.ENOSYS,
          "difference storage in files needs native access; start the bundle: bundle:start"
              + " org.blksnap.ioctl");
    }
    return now;
  }

  static String prefix(UUID snapshot) {
    return "blksnap-" + snapshot + "-";
  }

  /** Of a file of ours; -1 where its name tells none. */
  static int numberOf(Path file, UUID snapshot) {
    String name = file.getFileName().toString();
    String number =
        name.startsWith(prefix(snapshot)) ? name.substring(prefix(snapshot).length()) : "";
    return number.matches("[0-9]{1,9}") ? Integer.parseInt(number) : -1;
  }

  void loosen(Lent lent) throws BlksnapException {
    HostFile held = lent.held();
    if (held == null || !changeable(held, lent.part.given())) {
      loosen(lent.part.given(), lent.part.device());
    }
  }

  /** Answers whether it is. */
  static boolean changeable(HostFile open, Path file) {
    try {
      open.setImmutable(false);
      return true;
    } catch (BlksnapException e) {
      LOG.warn("{} stays immutable: {}; chattr -i makes it an ordinary file", file, e.toString());
      return false;
    }
  }

  /** What a kill left of a snapshot that is no more. */
  void removeLeftOvers(Path directory, UUID snapshot) throws BlksnapException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    List<Path> left;
    try (Stream<Path> entries = Files.list(directory)) {
      left =
          entries
              .filter(file -> file.getFileName().toString().startsWith(prefix(snapshot)))
              .toList();
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          directory + " was not looked through for storage left behind: " + e,
          e);
    }
    for (Path file : left) {
      loosen(file, "");
      delete(file);
    }
  }

  /** {@code device}: the number of the one it lies on; empty where that is not known. */
  private void loosen(Path file, String device) throws BlksnapException {
    HostOperations host = host();
    try (HostFile open = host.open(file, false, false)) {
      open.setImmutable(false);
    } catch (BlksnapException e) {
      if (e.errno() != Errno.ENOENT || !device.isEmpty() && !isMounted(file, device)) {
        throw e;
      }
    }
  }

  /** So that a file that is not there is not there indeed. */
  private boolean isMounted(Path file, String device) {
    try {
      return disks
          .ground(file.getParent())
          .disk()
          .filter(d -> d.number().equals(device))
          .isPresent();
    } catch (BlksnapException e) {
      return false;
    }
  }

  static void delete(Path file) throws BlksnapException {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "storage file " + file + " was not removed: " + e, e);
    }
  }

  void removeQuietly(Path file) {
    try {
      loosen(file, "");
      delete(file);
    } catch (BlksnapException e) {
      LOG.warn("storage file {} was not removed: {}", file, e.toString());
    }
  }
}
