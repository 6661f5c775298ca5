// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.enginebase.EventRelay;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.record.DeviceRecord;
import org.blksnap.linux.proc.BootId;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.module.TrackerState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the kernel's filter on devices and takes it off. The filter outlives this process: a device
 * that has it still is taken over as it is, change map included. All methods run under the engine's
 * control lock.
 */
public final class Attachments {
  private static final Logger LOG = LoggerFactory.getLogger(Attachments.class);

  private final PresentModule module;
  private final Disks disks;
  private final Supplier<DeviceProvider> providers;
  private final StateDirectory state;
  private final DeviceBook book;
  private final EventRelay events;
  private final OtherUses uses;
  private final AttachRefusals refusals;

  /** Not attached again at the start; tried once more when they are there. */
  private final List<DeviceRecord> awaited = new ArrayList<>();

  private final LiveDevice.Keeper keeper;

  public Attachments(
      PresentModule module,
      Disks disks,
      Supplier<DeviceProvider> providers,
      StateDirectory state,
      DeviceBook book,
      EventRelay events,
      OtherUses uses,
      LiveDevice.Keeper keeper) {
    this.module = module;
    this.disks = disks;
    this.providers = providers;
    this.state = state;
    this.book = book;
    this.events = events;
    this.uses = uses;
    this.refusals = new AttachRefusals(book, uses);
    this.keeper = keeper;
  }

  /** As {@link org.blksnap.api.snapshot.SnapshotService#attachOrGet}. */
  public LiveDevice attachOrGet(AttachRequest asked) throws BlksnapException {
    Optional<LiveDevice> there = book.on(disks.find(asked.path()));
    return there.isPresent() ? there.get() : attach(asked);
  }

  public LiveDevice attach(AttachRequest asked) throws BlksnapException {
    AttachRefusals.unsupported(asked);
    Disk disk = disks.find(asked.path());
    Path path = disk.node();
    String name =
        asked.name() == null || asked.name().isEmpty() ? AttachRefusals.nameOf(path) : asked.name();
    refusals.checkName(name, disk);
    try (OtherUses.Attaching turn = uses.attaching(disk)) {
      LOG.trace("{}: no storage meanwhile: {}", path, turn);
      refusals.checkFree(disk);
      LiveDevice device = filtered(asked.at(path).named(name), disk);
      book.enlist(device);
      LOG.info("device {} attached: {} ({})", name, path, disk.number());
      return device;
    }
  }

  /** The filter is on it, and the record says so. */
  private LiveDevice filtered(AttachRequest request, Disk disk) throws BlksnapException {
    DeviceProvider provider = providers.get();
    if (provider == null) {
      throw new BlksnapException(
          Errno.EAGAIN,
          "device " + disk.node() + " was not attached: the bundle org.blksnap.device is away");
    }
    var geometry = provider.geometry(disk.node());
    Path directory = state.device(request.name());
    Optional<DeviceRecord> before = known(directory).or(() -> underAnotherName(disk));
    boolean taken = putOn(disk);
    boolean done = false;
    try {
      TrackerState now = module.ask(m -> m.tracker(disk.node()));
      DeviceRecord record = record(request, disk, before.filter(old -> sameMap(old, disk, now)));
      record.write(directory);
      Generations generations =
          new Generations(
              directory, record, () -> disks.medium(disk), info -> announce(record.name(), info));
      if (taken || record.map().isPresent()) {
        generations.seen(now);
      } else {
        Beginning why = Beginning.of(before, record);
        generations.begun(now, why.reason(), why.detail());
      }
      LiveDevice device =
          new LiveDevice(request, disk, module, disks, providers, generations, geometry, keeper);
      done = true;
      return device;
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "device " + disk.node() + " was not attached: " + e, e);
    } finally {
      if (!done && !taken) {
        takeOffQuietly(disk);
      }
    }
  }

  /** The same generation, or a later one of the same life of the filter: its history counts. */
  private boolean sameMap(DeviceRecord old, Disk disk, TrackerState now) {
    boolean sameGeneration =
        old.map().filter(map -> map.state().generation().equals(now.generation())).isPresent();
    return sameGeneration
        || (old.attached()
            && old.incarnation().equals(module.incarnation())
            && old.major() == disk.major()
            && old.minor() == disk.minor());
  }

  private DeviceRecord record(AttachRequest request, Disk disk, Optional<DeviceRecord> same) {
    return new DeviceRecord(
        request.path(),
        request.name(),
        disk.major(),
        disk.minor(),
        true,
        request.persistent(),
        module.incarnation(),
        BootId.current(),
        disks.medium(disk).orElse(""),
        same.flatMap(DeviceRecord::map));
  }

  /** True where it was there before. */
  private boolean putOn(Disk disk) throws BlksnapException {
    try {
      module.tell(m -> m.attach(disk.node()));
      return false;
    } catch (BlksnapException e) {
      if (e.errno() == Errno.EALREADY) {
        return true;
      }
      throw AttachRefusals.byTheKernel(disk, e);
    }
  }

  private void takeOffQuietly(Disk disk) {
    try {
      module.tell(m -> m.detach(disk.node()));
    } catch (BlksnapException e) {
      LOG.warn("{}: the filter stays on it: {}", disk.node(), e.toString());
    }
  }

  private static Optional<DeviceRecord> known(Path directory) {
    if (!DeviceRecord.isIn(directory)) {
      return Optional.empty();
    }
    try {
      return Optional.of(DeviceRecord.read(directory));
    } catch (IOException | RuntimeException e) {
      LOG.warn("{}: the record was not read, and is written anew: {}", directory, e.toString());
      return Optional.empty();
    }
  }

  /** A device that was attached under another name is not attached for the first time. */
  private Optional<DeviceRecord> underAnotherName(Disk disk) {
    try {
      return state.devices().stream()
          .map(Attachments::known)
          .flatMap(Optional::stream)
          .filter(record -> record.major() == disk.major() && record.minor() == disk.minor())
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private void announce(String name, CbtInfo info) {
    events.offer(
        new BlksnapEvent.NewGeneration(
            Instant.now(),
            events.engine(),
            name,
            info.generationId(),
            info.reason(),
            info.reasonDetail()));
  }

  public void detach(LiveDevice device) throws BlksnapException {
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
    takeOff(device);
    book.strike(device);
    device.end();
    try {
      device.generations().detached();
      LOG.info("device {} detached", device.name());
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "device " + device.name() + " is detached, but that was not written down: " + e,
          e);
    }
  }

  /** Gone already is as good. */
  private void takeOff(LiveDevice device) throws BlksnapException {
    try {
      Path node = device.node();
      module.tell(m -> m.detach(node));
    } catch (BlksnapException e) {
      if (e.errno() == Errno.EBUSY) {
        throw new BlksnapException(
            Errno.EBUSY,
            "device "
                + device.name()
                + " is held by a snapshot of another program; blksnap:snapshot-list shows it",
            e);
      }
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENODEV) {
        throw e;
      }
    }
  }

  /** The filter off and on again: a new map, made with the parameters in force. */
  public CbtInfo restart(LiveDevice device) throws BlksnapException {
    if (device.snapshot().isPresent()) {
      throw new BlksnapException(
          Errno.EBUSY,
          "the change map of device "
              + device.name()
              + " was not begun anew: snapshot "
              + device.snapshot().get()
              + " has an image of it, whose changes would be lost; destroy that first");
    }
    takeOff(device);
    putOn(device.disk());
    return device
        .generations()
        .begun(
            module.ask(m -> m.tracker(device.disk().node())),
            GenerationReason.PARAMETERS_CHANGED,
            "");
  }

  /** What the records name, as far as it is wanted; what fails is said and left for later. */
  public void restore(Predicate<DeviceRecord> wanted) {
    try {
      for (Path directory : state.devices()) {
        Optional<DeviceRecord> record = known(directory);
        if (record.filter(DeviceRecord::attached).filter(wanted).isPresent()) {
          restore(record.get());
        }
      }
    } catch (IOException e) {
      LOG.error("the remembered devices were not read: {}", e.toString());
    }
  }

  private void restore(DeviceRecord record) {
    try {
      attachAgain(record);
    } catch (BlksnapException e) {
      awaited.add(record);
      LOG.error("device {} was not attached again: {}", record.name(), e.toString());
    }
  }

  private LiveDevice attachAgain(DeviceRecord record) throws BlksnapException {
    return attach(
        AttachRequest.of(record.path()).named(record.name()).persistent(record.persistent()));
  }

  /** Those that were not there at the start and are there by now; answers what was attached. */
  public List<LiveDevice> attachAwaited() {
    List<LiveDevice> come = new ArrayList<>();
    awaited.removeIf(record -> book.named(record.name()).isPresent());
    for (DeviceRecord record : List.copyOf(awaited)) {
      if (!Files.exists(record.path())) {
        continue;
      }
      awaited.remove(record);
      try {
        come.add(attachAgain(record));
      } catch (BlksnapException e) {
        LOG.error(
            "device {} has come, and was not attached again: {}", record.name(), e.toString());
      }
    }
    return come;
  }

  /** The engine stops: devices end for their users, and keep the kernel's filter. */
  public void leave() {
    book.all().forEach(LiveDevice::end);
  }
}
