// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * Finds the device that a refusal with EALREADY speaks of. No state; it is told how to attach and
 * how to see what is attached, in place of the engine.
 */
final class AttachedAlready {
  /** One try to attach. */
  @FunctionalInterface
  interface Attaching {
    AttachedDevice attach() throws BlksnapException;
  }

  /** Times that a device may be detached between the refusal and the look. */
  private static final int MOST_TRIES = 3;

  private AttachedAlready() {}

  static AttachedDevice attachOrGet(
      AttachRequest request, Attaching attaching, Supplier<List<AttachedDevice>> devices)
      throws BlksnapException {
    for (int tried = 1; ; tried++) {
      try {
        return attaching.attach();
      } catch (BlksnapException e) {
        if (e.errno() != Errno.EALREADY) {
          throw e;
        }
        Optional<AttachedDevice> there = find(devices.get(), request.path());
        if (there.isPresent()) {
          return usable(there.get(), request, e);
        }
        if (tried == MOST_TRIES) {
          throw e;
        }
      }
    }
  }

  private static AttachedDevice usable(
      AttachedDevice there, AttachRequest request, BlksnapException refusal)
      throws BlksnapException {
    if (there.geometry().readOnly() && !request.readOnly()) {
      throw new BlksnapException(
          Errno.EROFS,
          request.path()
              + " is attached read-only as "
              + there.name()
              + "; detach it, or ask for it read-only",
          refusal);
    }
    return there;
  }

  private static Optional<AttachedDevice> find(List<AttachedDevice> devices, Path path) {
    long number = deviceNumber(path);
    for (AttachedDevice device : devices) {
      boolean sameNode =
          number != 0
              && device.major() != 0
              && number == deviceNumber(device.major(), device.minor());
      if (sameNode || sameFile(device.path(), path)) {
        return Optional.of(device);
      }
    }
    return Optional.empty();
  }

  private static boolean sameFile(Path one, Path other) {
    try {
      return Files.isSameFile(one, other);
    } catch (IOException e) {
      return false;
    }
  }

  /** Of a device's node; 0 of what is none, and where it cannot be had. */
  private static long deviceNumber(Path path) {
    try {
      return Files.getAttribute(path, "unix:rdev") instanceof Long number ? number : 0;
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return 0;
    }
  }

  /** As Linux makes one number of both. */
  private static long deviceNumber(int major, int minor) {
    return (minor & 0xffL)
        | (major & 0xfffL) << 8
        | (minor & ~0xffL & 0xffffffffL) << 12
        | (major & ~0xfffL & 0xffffffffL) << 32;
  }
}
