// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.SnapshotService;

/**
 * The calls {@code BLKFILTER_ATTACH} and {@code BLKFILTER_DETACH}. The interface knows devices by
 * number, the engine also by a name: it is made from the file's, and where that will not do, from
 * the file's and its number.
 */
final class Attaching {
  /** Characters that are kept of a file's name where it will not do as it is. */
  private static final int KEPT = 32;

  private Attaching() {}

  /** EALREADY: it is attached. ENODEV: it is not reached here. Else as the engine refuses. */
  static int attach(SnapshotService engine, Target target) throws BlksnapException {
    if (DeviceLookup.find(engine, target).isPresent()) {
      throw new BlksnapException(Errno.EALREADY, target + " is attached already");
    }
    AttachRequest request = AttachRequest.of(DeviceLookup.path(target));
    try {
      engine.attach(request);
    } catch (BlksnapException e) {
      if (e.errno() != Errno.EEXIST && e.errno() != Errno.EINVAL) {
        throw e;
      }
      engine.attach(request.named(otherName(target, request.path())));
    }
    return 0;
  }

  /** ENOENT: it is not attached. EBUSY: a snapshot holds it. */
  static int detach(SnapshotService engine, Target target) throws BlksnapException {
    try {
      engine.detach(DeviceLookup.required(engine, target).name());
    } catch (BlksnapException e) {
      throw e.errno() == Errno.ENODEV ? DeviceLookup.notAttached(target) : e;
    }
    return 0;
  }

  private static String otherName(Target target, Path path) {
    String kept = String.valueOf(path.getFileName()).replaceAll("[^A-Za-z0-9._-]", "_");
    String number =
        target.kind() == Target.Kind.FILE
            ? Long.toHexString(target.device()) + "-" + Long.toUnsignedString(target.inode())
            : target.major() + "-" + target.minor();
    return "d-" + kept.substring(0, Math.min(KEPT, kept.length())) + "-" + number;
  }
}
