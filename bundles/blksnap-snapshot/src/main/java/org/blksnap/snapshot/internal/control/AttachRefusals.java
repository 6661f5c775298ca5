// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.device.DeviceIdentity;

/** What may not be attached, and why. All methods run under the engine's control lock. */
final class AttachRefusals {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  private final Desk desk;
  private final SnapshotList snapshots;

  AttachRefusals(Desk desk, SnapshotList snapshots) {
    this.desk = desk;
    this.snapshots = snapshots;
  }

  void checkName(String name, Path path) throws BlksnapException {
    if (!NAME.matcher(name).matches() || name.startsWith("blksnap-image")) {
      throw new BlksnapException(
          Errno.EINVAL,
          "device name \""
              + name
              + "\" refused: 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit,"
              + " and not like an image's");
    }
    FilteredDevice other = desk.devices().named(name);
    if (other != null) {
      boolean same = other.path().equals(path);
      throw new BlksnapException(
          same ? Errno.EALREADY : Errno.EEXIST,
          same
              ? path + " is attached already, as " + name
              : "device name "
                  + name
                  + " is taken by "
                  + other.path()
                  + "; choose another one with --name");
    }
  }

  /**
   * Asked before the file is opened: closing it again would drop the lock it is attached with. What
   * is not there is left to the opening to say.
   */
  void beforeOpening(Path path, String name) throws BlksnapException {
    Optional<FileIdentity> identity = FileIdentity.find(path);
    if (identity.isEmpty()) {
      return;
    }
    for (FilteredDevice other : desk.devices().all()) {
      if (DeviceFile.is(identity.get(), other.deviceIdentity())) {
        throw attachedAlready(path, other);
      }
    }
    for (HeldSnapshot snapshot : snapshots.all()) {
      if (!snapshot.members().containsKey(name) && snapshot.places().hold(path, identity.get())) {
        throw isStorage(path, snapshot);
      }
    }
  }

  /** A loop device tells only now which file it lies on. */
  void opened(DeviceIdentity identity, Path path, String name) throws BlksnapException {
    for (FilteredDevice other : desk.devices().all()) {
      if (DeviceFile.liesOn(identity, other.deviceIdentity().key())) {
        throw attachedAlready(path, other);
      }
    }
    for (HeldSnapshot snapshot : snapshots.all()) {
      if (!snapshot.members().containsKey(name) && snapshot.places().holdBelow(identity)) {
        throw isStorage(path, snapshot);
      }
    }
  }

  private static BlksnapException attachedAlready(Path path, FilteredDevice other) {
    return new BlksnapException(Errno.EALREADY, path + " is attached already, as " + other.name());
  }

  private static BlksnapException isStorage(Path path, HeldSnapshot snapshot) {
    return new BlksnapException(
        Errno.EBUSY,
        path
            + " refused: it is difference storage of snapshot "
            + snapshot.id()
            + ", which writes to it; attach another file, or destroy that first"
            + " (blksnap:snapshot-destroy)");
  }
}
