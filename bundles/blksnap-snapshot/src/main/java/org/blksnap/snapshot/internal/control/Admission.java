// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.snapshot.internal.data.FilteredDevice;

/** Which devices a snapshot takes in: once, before it is taken, and none that another one holds. */
final class Admission {
  private Admission() {}

  static void check(HeldSnapshot snapshot, FilteredDevice device) throws BlksnapException {
    if (snapshot.members().containsKey(device.name())) {
      throw new BlksnapException(
          Errno.EALREADY,
          "device " + device.name() + " is in snapshot " + snapshot.id() + " already");
    }
    if (snapshot.state() == SnapshotState.TAKEN) {
      throw new BlksnapException(
          Errno.EBUSY,
          "device "
              + device.name()
              + " refused: snapshot "
              + snapshot.id()
              + " is taken; create another one");
    }
    Optional<UUID> other = device.snapshot();
    if (other.isPresent()) {
      throw new BlksnapException(
          Errno.EBUSY,
          "device "
              + device.name()
              + " refused: it is in snapshot "
              + other.get()
              + "; a device is in one snapshot at most, destroy that one first");
    }
  }
}
