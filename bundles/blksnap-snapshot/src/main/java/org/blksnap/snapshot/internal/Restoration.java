// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.enginebase.StateDirectory;
import org.blksnap.spi.storage.StorageRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings devices and snapshots back from the state directory when the engine starts. Nothing is
 * thrown away because it could not be read: a damaged record is set aside under another name and
 * said in the log.
 */
final class Restoration {
  private static final Logger LOG = LoggerFactory.getLogger(Restoration.class);

  /**
   * A generation begun for one of these since the image was known to be good says that it is not
   * the old content any more.
   */
  private static final Set<GenerationReason> BREAKS_IMAGES =
      Set.of(
          GenerationReason.CHANGED_WHILE_DETACHED,
          GenerationReason.UNPROVEN,
          GenerationReason.UNCLEAN_POWER_LOSS,
          GenerationReason.OTHER_DEVICE,
          GenerationReason.RESIZE,
          GenerationReason.MAP_UNREADABLE,
          GenerationReason.MAP_CORRUPTED,
          GenerationReason.FIRST_ATTACH);

  private final Engine engine;

  Restoration(Engine engine) {
    this.engine = engine;
  }

  /**
   * Where it fails nothing is attached: a device served without its image would spoil that unseen.
   */
  void run() throws IOException {
    engine.assertControlled();
    List<Path> devices = engine.state().devices();
    List<Path> snapshots = engine.state().snapshots();
    engine.leftDevices().fetch();
    devices.forEach(this::restoreDevice);
    List<HeldSnapshot> found = new ArrayList<>();
    for (Path directory : snapshots) {
      try {
        restoreSnapshot(directory, found);
      } catch (IOException | RuntimeException e) {
        setAside(directory, e);
      }
    }
    found.sort(Comparator.comparing(HeldSnapshot::created));
    found.forEach(engine.snapshotList()::remember);
    for (HeldSnapshot snapshot : found) {
      for (FilteredDevice device : engine.deviceList().of(snapshot)) {
        relink(snapshot, device);
      }
    }
  }

  private void restoreDevice(Path directory) {
    if (!Files.exists(DeviceRecord.in(directory))) {
      return;
    }
    DeviceRecord record;
    try {
      record = DeviceRecord.read(directory);
    } catch (IOException | RuntimeException e) {
      setAside(DeviceRecord.in(directory), e);
      return;
    }
    if (!record.request().persistent()
        && !engine.leftDevices().attachedJustNow(record.request().name())) {
      return;
    }
    try {
      engine.attachments().attach(record.request());
    } catch (BlksnapException e) {
      LOG.error(
          "device {} ({}) was not attached again: {}; attach it with blksnap:device-attach once"
              + " that is mended",
          record.request().name(),
          record.request().path(),
          e.toString());
    }
  }

  private static void setAside(Path what, Exception why) {
    Path aside = what.resolveSibling(what.getFileName() + ".damaged");
    try {
      Files.move(what, aside, StandardCopyOption.REPLACE_EXISTING);
      LOG.error("{} was not understood and stands now as {}: {}", what, aside, why.toString());
    } catch (IOException e) {
      LOG.error("{} was not understood: {}", what, why.toString());
    }
  }

  private void restoreSnapshot(Path directory, List<HeldSnapshot> found) throws IOException {
    if (directory.toString().endsWith(".damaged")) {
      return;
    }
    if (SnapshotRecord.neverWritten(directory)) {
      LOG.info("{} was being made when the process was killed; it is removed", directory);
      StateDirectory.removeQuietly(directory);
      return;
    }
    SnapshotRecord record;
    try {
      record = SnapshotRecord.read(directory);
    } catch (IOException | RuntimeException e) {
      setAside(directory, e);
      return;
    }
    boolean taken = record.phase() == SnapshotRecord.Phase.TAKEN;
    HotFiles.Entry hot = engine.hot().restoreSnapshot(directory);
    engine.events().open(record.id());
    StorageRoom storage;
    String lost = null;
    if (taken && !record.clean() && !record.bootId().equals(engine.bootId())) {
      lost = "the host went down without a clean stop; saved chunks may not have reached the disk";
    }
    if (taken && lost == null && !hot.lost().isEmpty()) {
      lost = hot.lost();
    }
    try {
      storage = storageOf(record);
    } catch (BlksnapException e) {
      LOG.error("snapshot {}: {}", record.id(), e.toString());
      lost = "its difference storage was not found again: " + e.getMessage();
      storage = StorageRoom.lost(engine.storageRequest(record.id()), e.getMessage());
    }
    if (record.phase() == SnapshotRecord.Phase.DESTROYING) {
      engine.events().close(record.id());
      storage.delete();
      engine.hot().drop(directory);
      StateDirectory.removeQuietly(directory);
      return;
    }
    HeldSnapshot snapshot =
        new HeldSnapshot(engine, record.id(), record.created(), directory, storage);
    snapshot.restore(
        taken ? SnapshotState.TAKEN : SnapshotState.CREATED,
        record,
        taken ? lostFor(lost, record.members()) : untaken(snapshot, record.members()));
    if (taken && lost != null) {
      snapshot.keepLost();
    }
    found.add(snapshot);
  }

  /** One that was not taken yet has nothing in its storage to lose: it gets a new one. */
  private StorageRoom storageOf(SnapshotRecord record) throws BlksnapException {
    StorageRequest request = engine.storageRequest(record.id());
    try {
      return new StorageRoom(request, engine.providers().storage().adopt(request));
    } catch (BlksnapException e) {
      if (record.phase() != SnapshotRecord.Phase.CREATED
          && record.phase() != SnapshotRecord.Phase.TAKING) {
        throw e;
      }
      LOG.warn(
          "snapshot {} was not taken yet and gets a new storage: {}", record.id(), e.getMessage());
      try {
        Files.deleteIfExists(request.file());
      } catch (IOException failure) {
        e.addSuppressed(failure);
        throw e;
      }
      return new StorageRoom(request, engine.providers().storage().create(request));
    }
  }

  private static List<SnapshotRecord.Member> lostFor(
      String why, List<SnapshotRecord.Member> members) {
    if (why == null) {
      return members;
    }
    List<SnapshotRecord.Member> lost = new ArrayList<>();
    for (SnapshotRecord.Member m : members) {
      lost.add(m.error() != Errno.OK ? m : m.broken(Errno.EIO, why));
    }
    return lost;
  }

  /** A take that was killed half-way did not happen. */
  private static List<SnapshotRecord.Member> untaken(
      HeldSnapshot snapshot, List<SnapshotRecord.Member> members) {
    List<SnapshotRecord.Member> plain = new ArrayList<>();
    for (SnapshotRecord.Member member : members) {
      StateDirectory.removeQuietly(snapshot.areaDirectory(member.device()));
      plain.add(SnapshotRecord.Member.added(member.device()));
    }
    return plain;
  }

  /** Puts an attached device back under a snapshot that holds it. */
  void relink(HeldSnapshot snapshot, FilteredDevice device) {
    engine.assertControlled();
    SnapshotRecord.Member member = snapshot.members().get(device.name());
    if (member == null || snapshot.views().containsKey(device.name())) {
      return;
    }
    device.belongTo(snapshot.id());
    if (snapshot.state() != SnapshotState.TAKEN) {
      return;
    }
    HeldArea held = new HeldArea(member.image(), member.geometry());
    snapshot.link(device, held);
    if (member.error() != Errno.OK) {
      held.lose(member.error(), member.detail());
      return;
    }
    String broken = brokenSince(device, member.generation());
    if (broken != null) {
      lose(snapshot, device, Errno.EIO, broken);
      return;
    }
    try {
      held.install(
          engine
              .providers()
              .chunk()
              .adopt(engine.areas().request(snapshot, device, held, member.rule())));
      if (held.area().error() != Errno.OK) {
        lose(snapshot, device, held.area().error(), held.area().detail());
      }
      if (engine.gates().shut(device)) {
        device.hold(held);
        engine.gates().open(device);
        snapshot.keepGeneration(device);
      } else {
        lose(snapshot, device, Errno.EBUSY, "the device was in use while its snapshot came back");
      }
    } catch (BlksnapException | RuntimeException | Error e) {
      lose(
          snapshot,
          device,
          BlksnapException.errnoOf(e),
          "its saved chunks were not found again: " + e.getMessage());
    }
  }

  /**
   * Written down before anything else is done: a kill in the middle of a restoration must not leave
   * a record that trusts the image, for what spoke against it may not be seen a second time.
   */
  private void lose(HeldSnapshot snapshot, FilteredDevice device, Errno error, String detail) {
    engine.areas().lose(snapshot, snapshot.views().get(device.name()), error, detail);
  }

  /**
   * Null, or why the image cannot be trusted: the tracker has seen that the device is not as it was
   * left, at this start or at one that was killed before it could be written down. {@code known} is
   * the generation under which the image was good; null where that was not known: then any
   * generation begun for such a reason may be a later one.
   */
  private String brokenSince(FilteredDevice device, UUID known) {
    try {
      CbtInfo info = device.tracker().info();
      if (!info.generationId().equals(known) && BREAKS_IMAGES.contains(info.reason())) {
        return info.reason().text()
            + (info.reasonDetail().isEmpty() ? "" : " (" + info.reasonDetail() + ")");
      }
      return null;
    } catch (IOException e) {
      return "its change map cannot be read: " + e.getMessage();
    }
  }
}
