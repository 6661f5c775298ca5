// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.blksnap.spi.device.RawDevice;

/**
 * What a device asks to be done to it under the control lock: its capacity looked at again, its
 * change map begun anew. Asked by requests that doubt the capacity, by the watch and by users.
 */
public final class DeviceKeeper implements FilteredDevice.Keeper {
  private final Desk desk;
  private final Readiness readiness;
  private final SnapshotList snapshots;
  private final DeviceGates gates;
  private final ChangeMaps changeMaps;
  private final Generations generations;
  private final Resting resting;

  public DeviceKeeper(
      Desk desk,
      Readiness readiness,
      SnapshotList snapshots,
      DeviceGates gates,
      ChangeMaps changeMaps,
      Generations generations) {
    this.desk = desk;
    this.readiness = readiness;
    this.snapshots = snapshots;
    this.gates = gates;
    this.changeMaps = changeMaps;
    this.generations = generations;
    this.resting = new Resting(desk, gates);
  }

  @Override
  public boolean rescan(FilteredDevice device) throws IOException {
    desk.control().lock();
    try {
      if (readiness.isClosed()) {
        return false;
      }
      boolean changed = look(device);
      resting.look(device);
      return changed;
    } finally {
      desk.control().unlock();
    }
  }

  @Override
  public CbtInfo restartChanges(FilteredDevice device) throws BlksnapException {
    desk.control().lock();
    try {
      readiness.check();
      return restart(desk.devices().require(device.name()));
    } finally {
      desk.control().unlock();
    }
  }

  /** Begins the change map anew with the parameters in force, unless an image needs the old one. */
  private CbtInfo restart(FilteredDevice device) throws BlksnapException {
    for (HeldSnapshot snapshot : snapshots.all()) {
      if (snapshot.views().containsKey(device.name())) {
        throw new BlksnapException(
            Errno.EBUSY,
            "the change map of device "
                + device.name()
                + " is not begun anew: snapshot "
                + snapshot.id()
                + " needs it; finish the backup, then blksnap:snapshot-destroy "
                + snapshot.id()
                + ", then try again");
      }
    }
    DeviceList.requireWhole(device);
    Map<String, UUID> known = generations.of(List.of(device));
    device.gateOfRequests().close(desk.settings().gateTimeout());
    try {
      changeMaps.restart(device);
    } finally {
      device.gateOfRequests().open();
    }
    generations.announceNew(List.of(device), known);
    try {
      return device.tracker().info();
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO, "the change map of device " + device.name() + " cannot be read: " + e, e);
    }
  }

  /** Looks at the capacity now; true where it had changed. */
  private boolean look(FilteredDevice device) throws IOException {
    RawDevice raw = device.raw();
    if (raw == null || gates.isSuspended(device) || desk.devices().named(device.name()) != device) {
      return false;
    }
    long before = device.geometry().capacity();
    if (!raw.refresh() && raw.geometry().capacity() == before) {
      return false;
    }
    if (raw.geometry().capacity() == before) {
      return false;
    }
    resize(device, raw, before);
    return true;
  }

  private void resize(FilteredDevice device, RawDevice raw, long before) throws BlksnapException {
    long capacity = raw.geometry().capacity();
    Map<String, UUID> known = generations.of(List.of(device));
    device.gateOfRequests().close(desk.settings().gateTimeout());
    try {
      if (device.tracker() != null) {
        ChangeMaps.renew(
            device.tracker(),
            capacity,
            GenerationReason.RESIZE,
            before + " to " + capacity + " bytes");
      }
      device.installRaw(raw);
      HeldArea held = device.held();
      if (held != null && capacity < held.geometry().capacity() && held.area() != null) {
        held.area()
            .corrupt(
                Errno.EIO,
                "the device shrank from "
                    + before
                    + " to "
                    + capacity
                    + " bytes under the snapshot");
      }
    } finally {
      device.gateOfRequests().open();
    }
    snapshots.keepGeneration(device);
    generations.announceNew(List.of(device), known);
  }
}
