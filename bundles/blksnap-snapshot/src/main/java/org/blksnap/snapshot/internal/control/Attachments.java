// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.record.DeviceRecord;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the filter on devices and takes it off. All methods run under the engine's control lock.
 *
 * <p>A device keeps its number as long as its record lies in the state directory, so that its image
 * has the same name after a restart, also where a configuration file attaches it.
 */
public final class Attachments {
  private static final Logger LOG = LoggerFactory.getLogger(Attachments.class);
  private static final int LARGEST_MINOR = 1 << 20;

  private final Desk desk;
  private final SnapshotList snapshots;
  private final AttachRefusals refusals;
  private final ChangeMaps changeMaps;
  private final ImageLinks links;
  private final NeededPlaces neededPlaces;
  private final DeviceClosing closing;
  private final FilteredDevice.Keeper keeper;

  public Attachments(
      Desk desk,
      SnapshotList snapshots,
      ChangeMaps changeMaps,
      ImageLinks links,
      NeededPlaces neededPlaces,
      DeviceClosing closing,
      FilteredDevice.Keeper keeper) {
    this.desk = desk;
    this.snapshots = snapshots;
    this.refusals = new AttachRefusals(desk, snapshots);
    this.changeMaps = changeMaps;
    this.links = links;
    this.neededPlaces = neededPlaces;
    this.closing = closing;
    this.keeper = keeper;
  }

  public FilteredDevice attach(AttachRequest asked) throws BlksnapException {
    desk.assertControlled();
    Path path = asked.path().toAbsolutePath().normalize();
    String name = asked.name() == null || asked.name().isEmpty() ? nameOf(path) : asked.name();
    refusals.checkName(name, path);
    AttachRequest request = asked.at(path).named(name);
    refusals.beforeOpening(path, name);
    RawDevice raw =
        desk.providers().device().open(new OpenRequest(path, request.readOnly(), request.force()));
    FilteredDevice device = null;
    boolean done = false;
    try {
      refusals.opened(raw.identity(), path, name);
      device = new FilteredDevice(name, request, raw, minorFor(name), keeper);
      Path directory = desk.state().device(name);
      Files.createDirectories(directory);
      device.installTracker(
          changeMaps.open(device, LeftEvidence.of(desk.leftDevices().claim(name), raw)));
      new DeviceRecord(request, device.minor()).write(directory);
      done = true;
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "device " + path + " was not attached: " + e, e);
    } finally {
      if (!done) {
        undo(device, raw);
      }
    }
    // Nobody sees the device before its snapshots hold it again: a write in between would not be
    // preserved.
    for (HeldSnapshot snapshot : snapshots.all()) {
      links.relink(snapshot, device);
    }
    desk.devices().enlist(device);
    LOG.info("device {} attached: {}", name, path);
    neededPlaces.warn(device);
    return device;
  }

  private static void undo(FilteredDevice device, RawDevice raw) {
    if (device != null && device.tracker() != null) {
      device.tracker().handOver();
    }
    closeRaw(raw);
  }

  private static void closeRaw(RawDevice raw) {
    try {
      raw.close();
    } catch (IOException e) {
      LOG.warn("{} was not closed: {}", raw.path(), e.toString());
    }
  }

  private static String nameOf(Path path) {
    String last = path.getFileName() == null ? "device" : path.getFileName().toString();
    String name = last.replaceAll("[^A-Za-z0-9._-]", "_").replaceAll("^[^A-Za-z0-9]+", "");
    return name.isEmpty() ? "device" : name.substring(0, Math.min(64, name.length()));
  }

  /** The number this name had before, or one that no device has, attached or remembered. */
  private int minorFor(String name) throws IOException {
    Set<Integer> taken = new HashSet<>();
    desk.devices().all().stream().filter(d -> d.major() == 0).forEach(d -> taken.add(d.minor()));
    int before = -1;
    for (Path directory : desk.state().devices()) {
      if (!Files.exists(DeviceRecord.in(directory))) {
        continue;
      }
      try {
        int minor = DeviceRecord.read(directory).minor();
        if (directory.getFileName().toString().equals(name)) {
          before = minor;
        } else {
          taken.add(minor);
        }
      } catch (IOException | RuntimeException e) {
        LOG.debug("{}: {}", directory, e.toString());
      }
    }
    if (before >= 0 && !taken.contains(before)) {
      return before;
    }
    for (int minor = 0; minor < LARGEST_MINOR; minor++) {
      if (!taken.contains(minor)) {
        return minor;
      }
    }
    throw new BlksnapException(
        Errno.ENOSPC, "more than " + LARGEST_MINOR + " files are known; detach some");
  }

  public void detach(FilteredDevice device) throws BlksnapException {
    desk.assertControlled();
    Optional<UUID> holder = device.snapshot();
    if (holder.isPresent()) {
      throw new BlksnapException(
          Errno.EBUSY,
          "device "
              + device.name()
              + " is held by snapshot "
              + holder.get()
              + "; destroy that first (blksnap:snapshot-destroy)");
    }
    DeviceList.requireWhole(device);
    device.gateOfRequests().close(desk.settings().gateTimeout());
    try {
      device.end("detached");
      desk.devices().strike(device);
      desk.guardian().forget(device.name());
      closing.closeCleanly(device);
      changeMaps.settle(device);
      Files.deleteIfExists(DeviceRecord.in(desk.state().device(device.name())));
      LOG.info("device {} detached", device.name());
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "device "
              + device.name()
              + " is detached, but not cleanly, so its next change map is a new generation: "
              + e,
          e);
    } finally {
      device.gateOfRequests().open();
    }
  }
}
