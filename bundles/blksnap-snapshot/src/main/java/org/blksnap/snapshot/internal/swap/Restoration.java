// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.swap;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.snapshot.internal.control.Attachments;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.HeldSnapshot;
import org.blksnap.snapshot.internal.control.ImageLinks;
import org.blksnap.snapshot.internal.control.SnapshotList;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.StorageRoom;
import org.blksnap.snapshot.internal.record.DeviceRecord;
import org.blksnap.snapshot.internal.record.HotFiles;
import org.blksnap.snapshot.internal.record.SnapshotRecord;
import org.blksnap.spi.storage.StorageRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings devices and snapshots back from the state directory when the engine starts. Nothing is
 * thrown away because it could not be read: a damaged record is set aside under another name and
 * said in the log.
 */
public final class Restoration {
  private static final Logger LOG = LoggerFactory.getLogger(Restoration.class);

  private final Desk desk;
  private final SnapshotList snapshots;
  private final Attachments attachments;
  private final ImageLinks links;

  public Restoration(Desk desk, SnapshotList snapshots, Attachments attachments, ImageLinks links) {
    this.desk = desk;
    this.snapshots = snapshots;
    this.attachments = attachments;
    this.links = links;
  }

  /**
   * Where it fails nothing is attached: a device served without its image would spoil that unseen.
   */
  public void run() throws IOException {
    desk.assertControlled();
    List<Path> devices = desk.state().devices();
    List<Path> directories = desk.state().snapshots();
    desk.leftDevices().fetch();
    devices.forEach(this::restoreDevice);
    List<HeldSnapshot> found = new ArrayList<>();
    for (Path directory : directories) {
      try {
        restoreSnapshot(directory, found);
      } catch (IOException | RuntimeException e) {
        setAside(directory, e);
      }
    }
    found.sort(Comparator.comparing(snapshot -> snapshot.origin().created()));
    found.forEach(snapshots::remember);
    for (HeldSnapshot snapshot : found) {
      for (FilteredDevice device : desk.devices().present(snapshot.members().keySet())) {
        links.relink(snapshot, device);
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
        && !desk.leftDevices().attachedJustNow(record.request().name())) {
      return;
    }
    try {
      attachments.attach(record.request());
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
    HotFiles.Entry hot = desk.hot().restoreSnapshot(directory);
    desk.events().open(record.id());
    StorageRoom storage;
    String lost = null;
    if (taken && !record.clean() && !record.bootId().equals(desk.bootId())) {
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
      storage = StorageRoom.lost(desk.storageRequest(record.id()), e.getMessage());
    }
    if (record.phase() == SnapshotRecord.Phase.DESTROYING) {
      desk.events().close(record.id());
      storage.delete();
      desk.removeRecords(directory);
      return;
    }
    HeldSnapshot snapshot = new HeldSnapshot(desk, record.origin(), directory, storage);
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
    StorageRequest request = desk.storageRequest(record.id());
    try {
      return new StorageRoom(request, desk.providers().storage().adopt(request));
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
      return new StorageRoom(request, desk.providers().storage().create(request));
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
      StateDirectory.removeQuietly(snapshot.areas().of(member.device()));
      plain.add(SnapshotRecord.Member.added(member.device()));
    }
    return plain;
  }
}
