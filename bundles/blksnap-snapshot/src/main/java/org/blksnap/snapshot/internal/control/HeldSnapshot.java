// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.blksnap.snapshot.internal.data.ImageView;
import org.blksnap.snapshot.internal.data.StorageRoom;
import org.blksnap.snapshot.internal.record.Origin;
import org.blksnap.snapshot.internal.record.SnapshotRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One snapshot as the engine keeps it: its phase, its devices, the images of those that are
 * attached, and the record on disk, which follows every change of phase or members before the call
 * returns. Changed under the engine's control lock; queries read volatile, immutable pictures. What
 * users may do with it is {@link SnapshotHandle}.
 */
public final class HeldSnapshot {
  private static final Logger LOG = LoggerFactory.getLogger(HeldSnapshot.class);

  private final Desk desk;
  private final UUID id;
  private final Origin origin;
  private final Path directory;
  private final StorageRoom storage;
  private final StoragePlaces places;
  private final AreaDirectories areas;
  private final MemberList members;

  private volatile SnapshotState state = SnapshotState.CREATED;
  private volatile Instant taken;

  /** Null before the take. */
  private volatile Consistency consistency;

  private volatile List<String> reasons = List.of();

  /** What the record on disk says; not true any more once the image is in use. Control lock. */
  private boolean recordedClean;

  /** Replaced as a whole under the control lock; by device name. */
  private volatile Map<String, ImageView> views = Map.of();

  public HeldSnapshot(Desk desk, Origin origin, Path directory, StorageRoom storage) {
    this.origin = origin;
    this.desk = desk;
    this.id = origin.id();
    this.directory = directory;
    this.storage = storage;
    this.places = new StoragePlaces(desk, directory);
    this.areas = new AreaDirectories(desk.hot(), directory);
    this.members = new MemberList(desk::assertControlled);
    storage.expect(new StorageNeed(desk, members));
  }

  public Origin origin() {
    return origin;
  }

  Path directory() {
    return directory;
  }

  public StorageRoom storageRoom() {
    return storage;
  }

  StoragePlaces places() {
    return places;
  }

  /** Where the diff areas lie. */
  public AreaDirectories areas() {
    return areas;
  }

  public Map<String, SnapshotRecord.Member> members() {
    return members.all();
  }

  public Map<String, ImageView> views() {
    return views;
  }

  public void restore(
      SnapshotState restoredState, SnapshotRecord record, List<SnapshotRecord.Member> restored) {
    desk.assertControlled();
    boolean wasTaken = restoredState == SnapshotState.TAKEN;
    recordedClean = record.clean();
    state = restoredState;
    taken = wasTaken ? record.taken() : null;
    consistency = wasTaken ? record.consistency() : null;
    reasons = wasTaken ? record.reasons() : List.of();
    members.restore(restored);
  }

  void link(FilteredDevice device, HeldArea held) {
    desk.assertControlled();
    Map<String, ImageView> map = new LinkedHashMap<>(views);
    map.put(
        device.name(),
        new ImageView(id, device, held, storage, members.all().get(device.name()).changes()));
    views = map;
  }

  void keep(SnapshotRecord.Phase phase) throws BlksnapException {
    keep(phase, false);
  }

  private void keep(SnapshotRecord.Phase phase, boolean clean) throws BlksnapException {
    desk.assertControlled();
    try {
      new SnapshotRecord(
              origin,
              phase,
              taken,
              desk.bootId(),
              clean,
              consistency,
              reasons,
              List.copyOf(members.all().values()))
          .write(directory);
      recordedClean = clean;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "snapshot " + id + ": its record in " + directory + " was not written: " + e,
          e);
    }
  }

  /**
   * The device's image is good under the present generation of its change map, whatever that was
   * begun for: a later start that finds another one has to ask why. On disk when it returns.
   */
  void keepGeneration(FilteredDevice device) {
    desk.assertControlled();
    SnapshotRecord.Member member = members.all().get(device.name());
    ImageView view = views.get(device.name());
    if (state != SnapshotState.TAKEN
        || member == null
        || member.error() != Errno.OK
        || view == null
        || view.error() != Errno.OK) {
      return;
    }
    UUID present = Generations.idOf(device);
    if (present == null || (present.equals(member.generation()) && !recordedClean)) {
      return;
    }
    members.replace(member.under(present));
    keepQuietly(SnapshotRecord.Phase.TAKEN);
  }

  /** The first error of a device's image is written down; called by the housekeeper. */
  void keepError(String device, Errno error, String detail) throws BlksnapException {
    desk.control().lock();
    try {
      SnapshotRecord.Member old = members.all().get(device);
      if (state != SnapshotState.TAKEN || old == null || old.error() != Errno.OK) {
        return;
      }
      members.replace(old.broken(error, detail));
      keep(SnapshotRecord.Phase.TAKEN);
    } finally {
      desk.control().unlock();
    }
  }

  /**
   * At a start all its images were found lost: on record before anybody writes, for what is missing
   * now may be there at the next start.
   */
  public void keepLost() {
    try {
      keep(SnapshotRecord.Phase.TAKEN);
    } catch (BlksnapException e) {
      LOG.error("snapshot {}: {}", id, e.getMessage());
      members.all().keySet().forEach(areas::drop);
    }
  }

  /** ESRCH. */
  void checkAlive() throws BlksnapException {
    if (state == SnapshotState.DESTROYED) {
      throw new BlksnapException(Errno.ESRCH, "snapshot " + id + " was destroyed");
    }
  }

  /** Takes a device in; on disk when it returns. */
  void add(FilteredDevice device) throws BlksnapException {
    desk.assertControlled();
    Map<String, SnapshotRecord.Member> before = members.all();
    members.replace(SnapshotRecord.Member.added(device.name()));
    try {
      keep(SnapshotRecord.Phase.CREATED);
    } catch (Throwable e) {
      members.putBack(before);
      throw e;
    }
    device.belongTo(id);
  }

  /** A take begins; on disk when it returns. */
  void beginTaking(List<FilteredDevice> devices, BlockSizeRule rule) throws BlksnapException {
    desk.assertControlled();
    for (FilteredDevice device : devices) {
      members.replace(
          new SnapshotRecord.Member(
              device.name(),
              device.imageName(),
              device.geometry(),
              rule,
              null,
              Errno.OK,
              "",
              null));
    }
    keep(SnapshotRecord.Phase.TAKING);
  }

  /** A take failed, and all it made is gone. */
  void notTaken(Map<String, SnapshotRecord.Member> before) {
    desk.assertControlled();
    members.putBack(before);
    keepQuietly(SnapshotRecord.Phase.CREATED);
  }

  /** A take has happened. Whatever is thrown, this object says so; the record may not. */
  void becomeTaken(Take take, List<FilteredDevice> devices, Quiet quiet) throws BlksnapException {
    desk.assertControlled();
    taken = Instant.now();
    state = SnapshotState.TAKEN;
    consistency = quiet.consistency();
    reasons = quiet.reasons();
    for (FilteredDevice device : devices) {
      CbtInfo changes = Generations.of(device);
      if (changes != null) {
        members.replace(members.all().get(device.name()).tracked(changes));
      }
      link(device, take.heldOf(device));
    }
    keep(SnapshotRecord.Phase.TAKEN);
  }

  /** True where it is on disk. */
  private boolean keepQuietly(SnapshotRecord.Phase phase) {
    try {
      keep(phase);
      return true;
    } catch (BlksnapException e) {
      LOG.error("snapshot {}: {}", id, e.getMessage());
      return false;
    }
  }

  /**
   * The engine stops: everything saved is forced to disk, then the record says so, then the storage
   * is closed.
   */
  public void closeForStop() {
    desk.assertControlled();
    try {
      if (state == SnapshotState.TAKEN) {
        members.noteErrors(views.values());
        storage.flush();
        desk.hot().settleSnapshot(directory);
        StateDirectory.forceFiles(directory);
        keep(SnapshotRecord.Phase.TAKEN, true);
      } else {
        desk.hot().settleSnapshot(directory);
      }
    } catch (IOException e) {
      LOG.warn("snapshot {} would not outlive a power cut: {}", id, e.toString());
    }
    desk.events().leave(id);
    storage.close();
  }

  /** The engine leaves it to a successor: errors are written down, nothing is forced to disk. */
  public void leave() {
    desk.assertControlled();
    Map<String, SnapshotRecord.Member> before = members.all();
    members.noteErrors(views.values());
    if (state == SnapshotState.TAKEN && !members.all().equals(before)) {
      keepQuietly(SnapshotRecord.Phase.TAKEN);
    }
    desk.events().leave(id);
    storage.close();
  }

  /** From now on it is destroyed. False where the record on disk could not say so. */
  boolean beginDestroying() {
    desk.assertControlled();
    boolean noted = keepQuietly(SnapshotRecord.Phase.DESTROYING);
    state = SnapshotState.DESTROYED;
    return noted;
  }

  /** It has no images any more. */
  void unlinkAll() {
    desk.assertControlled();
    views = Map.of();
  }

  public UUID id() {
    return id;
  }

  SnapshotState state() {
    return state;
  }

  /** Null before the take. */
  Instant taken() {
    return taken;
  }

  /** Null before the take. */
  Consistency consistency() {
    return consistency;
  }

  /** Why it is that and not more. */
  List<String> reasons() {
    return reasons;
  }
}
