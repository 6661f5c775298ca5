// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.swap;

import java.io.IOException;
import java.util.Collection;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.snapshot.internal.control.ChangeMaps;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.DiffAreas;
import org.blksnap.snapshot.internal.control.Generations;
import org.blksnap.snapshot.internal.control.Room;
import org.blksnap.snapshot.internal.control.SnapshotList;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Raw devices let go and taken up. Gates closed; under the engine's control lock. */
final class DeviceSwap {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceSwap.class);

  private final Desk desk;
  private final SnapshotList snapshots;
  private final ChangeMaps changeMaps;
  private final Generations generations;
  private final DiffAreas areas;
  private final Baselines baselines;

  DeviceSwap(
      Desk desk,
      SnapshotList snapshots,
      ChangeMaps changeMaps,
      Generations generations,
      DiffAreas areas) {
    this.desk = desk;
    this.snapshots = snapshots;
    this.changeMaps = changeMaps;
    this.generations = generations;
    this.areas = areas;
    this.baselines = new Baselines(desk, changeMaps, generations);
  }

  void letGo(Collection<FilteredDevice> devices) {
    baselines.letGo(devices);
  }

  void adopt(FilteredDevice device) throws BlksnapException {
    RawDevice raw = reopen(device);
    long before = device.geometry().capacity();
    device.installRaw(raw);
    long capacity = raw.geometry().capacity();
    String changed = baselines.changed(device);
    if (changed != null) {
      areas.loseAll(device, changed);
      if (capacity == before) {
        baselines.begin(device, changed);
      }
    }
    if (capacity != before) {
      if (device.tracker() != null) {
        ChangeMaps.renew(
            device.tracker(),
            capacity,
            GenerationReason.RESIZE,
            before + " to " + capacity + " bytes, during a hot swap");
        CbtInfo begun = Generations.of(device);
        if (begun != null) {
          generations.announce(device, begun);
        }
        snapshots.keepGeneration(device);
      } else {
        changeMaps.markLost(device);
      }
      if (device.held() != null && capacity < device.held().geometry().capacity()) {
        areas.loseAll(
            device,
            "the device shrank from " + before + " to " + capacity + " bytes under the snapshot");
      }
    }
  }

  private RawDevice reopen(FilteredDevice device) throws BlksnapException {
    RawDevice raw =
        desk.providers()
            .device()
            .open(
                new OpenRequest(
                    device.path(), device.request().readOnly(), device.request().force()));
    if (!raw.identity().key().equals(device.deviceIdentity().key())) {
      try {
        raw.close();
      } catch (IOException e) {
        LOG.debug("{}", e.toString());
      }
      throw new BlksnapException(
          Errno.ENODEV,
          device.path()
              + " is another device now ("
              + raw.identity().key()
              + ", was "
              + device.deviceIdentity().key()
              + ")");
    }
    return raw;
  }

  /** After it was given up. */
  void comeBackLate(FilteredDevice device) throws IOException {
    device.installRaw(reopen(device));
    String why = "the device bundle was away; others may have written meanwhile";
    areas.loseAll(device, why);
    baselines.begin(device, why);
    if (device.tracker() == null) {
      if (desk.providers().get(Room.TRACKER) != null) {
        device.installTracker(changeMaps.adopt(device));
      }
    }
    desk.guardian().watch(device.name(), device.raw());
  }
}
