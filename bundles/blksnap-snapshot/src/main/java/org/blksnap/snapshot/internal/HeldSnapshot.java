// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.api.snapshot.Consistency;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.enginebase.StateDirectory;
import org.blksnap.spi.chunk.DiffArea;

/**
 * One snapshot of the userspace engine. Changing calls hold the engine's control lock; queries read
 * volatile, immutable pictures. The record on disk follows every change of phase or members before
 * the call returns.
 */
final class HeldSnapshot implements Snapshot {
  private final Engine engine;
  private final UUID id;
  private final Instant created;
  private final Path directory;
  private final StorageRoom storage;
  private final StoragePlaces places;
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

  HeldSnapshot(Engine engine, UUID id, Instant created, Path directory, StorageRoom storage) {
    this.engine = engine;
    this.id = id;
    this.created = created;
    this.directory = directory;
    this.storage = storage;
    this.places = new StoragePlaces(engine, directory);
    this.members = new MemberList(engine::assertControlled);
    storage.expect(new StorageNeed(engine, members));
  }

  Path directory() {
    return directory;
  }

  StorageRoom storageRoom() {
    return storage;
  }

  StoragePlaces places() {
    return places;
  }

  Map<String, SnapshotRecord.Member> members() {
    return members.all();
  }

  Map<String, ImageView> views() {
    return views;
  }

  /** Where the device's area is: in memory, or on disk where it did not fit. */
  Path areaDirectory(String device) {
    Path inMemory = engine.hot().of(directory).resolve("area-" + device);
    Path onDisk = directory.resolve("area-" + device);
    return Files.isDirectory(onDisk) && !Files.isDirectory(inMemory) ? onDisk : inMemory;
  }

  /** An empty one that will hold so many bytes. */
  Path newAreaDirectory(String device, long bytes) throws IOException {
    Path onDisk = directory.resolve("area-" + device);
    Path inMemory = engine.hot().of(directory).resolve("area-" + device);
    StateDirectory.removeTree(onDisk);
    StateDirectory.removeTree(inMemory);
    return Files.createDirectories(
        inMemory.equals(onDisk) || engine.hot().room(bytes) ? inMemory : onDisk);
  }

  void restore(
      SnapshotState restoredState, SnapshotRecord record, List<SnapshotRecord.Member> restored) {
    engine.assertControlled();
    boolean wasTaken = restoredState == SnapshotState.TAKEN;
    recordedClean = record.clean();
    state = restoredState;
    taken = wasTaken ? record.taken() : null;
    consistency = wasTaken ? record.consistency() : null;
    reasons = wasTaken ? record.reasons() : List.of();
    members.restore(restored);
  }

  void link(FilteredDevice device, HeldArea held) {
    engine.assertControlled();
    Map<String, ImageView> map = new LinkedHashMap<>(views);
    map.put(
        device.name(),
        new ImageView(id, device, held, storage, members.all().get(device.name()).changes()));
    views = map;
  }

  void unlink(String device) {
    engine.assertControlled();
    Map<String, ImageView> map = new LinkedHashMap<>(views);
    map.remove(device);
    views = map;
  }

  void keep(SnapshotRecord.Phase phase) throws BlksnapException {
    keep(phase, false);
  }

  private void keep(SnapshotRecord.Phase phase, boolean clean) throws BlksnapException {
    engine.assertControlled();
    try {
      new SnapshotRecord(
              id,
              phase,
              created,
              taken,
              engine.bootId(),
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
    engine.assertControlled();
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
    engine.control.lock();
    try {
      SnapshotRecord.Member old = members.all().get(device);
      if (state != SnapshotState.TAKEN || old == null || old.error() != Errno.OK) {
        return;
      }
      members.replace(old.broken(error, detail));
      keep(SnapshotRecord.Phase.TAKEN);
    } finally {
      engine.control.unlock();
    }
  }

  /**
   * At a start all its images were found lost: on record before anybody writes, for what is missing
   * now may be there at the next start.
   */
  void keepLost() {
    try {
      keep(SnapshotRecord.Phase.TAKEN);
    } catch (BlksnapException e) {
      engine.log().error("snapshot {}: {}", id, e.getMessage());
      members.all().keySet().forEach(this::dropChunks);
    }
  }

  /** Needs no space: an image without its chunks is as little trusted as one lost on record. */
  void dropChunks(String device) {
    StateDirectory.removeQuietly(engine.hot().of(directory).resolve("area-" + device));
    StateDirectory.removeQuietly(directory.resolve("area-" + device));
  }

  private void checkAlive() throws BlksnapException {
    if (state == SnapshotState.DESTROYED) {
      throw new BlksnapException(Errno.ESRCH, "snapshot " + id + " was destroyed");
    }
  }

  @Override
  public void addDevice(String name) throws BlksnapException {
    engine.control.lock();
    try {
      checkAlive();
      FilteredDevice device = engine.deviceList().require(name);
      Admission.check(this, device);
      StoragePlaces.checkBlockSize(device, storage.logicalBlockSize());
      places.check(device);
      Map<String, SnapshotRecord.Member> before = members.all();
      members.replace(SnapshotRecord.Member.added(device.name()));
      try {
        keep(SnapshotRecord.Phase.CREATED);
      } catch (Throwable e) {
        members.putBack(before);
        throw e;
      }
      device.belongTo(id);
    } finally {
      engine.control.unlock();
    }
  }

  @Override
  public void appendStorage(Path path, List<ByteRange> ranges) throws BlksnapException {
    engine.control.lock();
    try {
      checkAlive();
      Geometry geometry = engine.providers().device().geometry(path);
      places.check(path, ranges, geometry, engine.deviceList().of(this));
      places.give(path, () -> storage.appendRanges(path, ranges, geometry));
      engine.hot().keepBehind(directory);
    } finally {
      engine.control.unlock();
    }
  }

  @Override
  public void appendStorageDirectory(Path dir, long limit) throws BlksnapException {
    engine.control.lock();
    try {
      checkAlive();
      places.check(dir, engine.deviceList().of(this));
      places.give(dir, () -> storage.appendDirectory(dir, limit));
      engine.hot().keepBehind(directory);
    } finally {
      engine.control.unlock();
    }
  }

  @Override
  public void appendStorageMemory(long bytes) throws BlksnapException {
    engine.control.lock();
    try {
      checkAlive();
      storage.appendMemory(bytes);
    } finally {
      engine.control.unlock();
    }
  }

  @Override
  public TakeResult take() throws BlksnapException {
    return new Taking(engine, this).run();
  }

  void checkNotTaken() throws BlksnapException {
    checkAlive();
    if (state == SnapshotState.TAKEN) {
      throw new BlksnapException(Errno.EALREADY, "snapshot " + id + " is taken already");
    }
  }

  /** A take begins; on disk when it returns. */
  void beginTaking(List<FilteredDevice> devices, BlockSizeRule rule) throws BlksnapException {
    engine.assertControlled();
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
    engine.assertControlled();
    members.putBack(before);
    keepQuietly(SnapshotRecord.Phase.CREATED);
  }

  /** A take has happened. Whatever is thrown, this object says so; the record may not. */
  void becomeTaken(Take take, List<FilteredDevice> devices, Quiet quiet) throws BlksnapException {
    engine.assertControlled();
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
      engine.log().error("snapshot {}: {}", id, e.getMessage());
      return false;
    }
  }

  /**
   * The engine stops: everything saved is forced to disk, then the record says so, then the storage
   * is closed.
   */
  void closeForStop() {
    engine.assertControlled();
    try {
      if (state == SnapshotState.TAKEN) {
        members.noteErrors(views.values());
        storage.flush();
        engine.hot().settleSnapshot(directory);
        StateDirectory.forceFiles(directory);
        keep(SnapshotRecord.Phase.TAKEN, true);
      } else {
        engine.hot().settleSnapshot(directory);
      }
    } catch (IOException e) {
      engine.log().warn("snapshot {} would not outlive a power cut: {}", id, e.toString());
    }
    engine.events().leave(id);
    storage.close();
  }

  /** The engine leaves it to a successor: errors are written down, nothing is forced to disk. */
  void leave() {
    engine.assertControlled();
    Map<String, SnapshotRecord.Member> before = members.all();
    members.noteErrors(views.values());
    if (state == SnapshotState.TAKEN && !members.all().equals(before)) {
      keepQuietly(SnapshotRecord.Phase.TAKEN);
    }
    engine.events().leave(id);
    storage.close();
  }

  @Override
  public List<ImageInfo> info() throws BlksnapException {
    checkAlive();
    return ImageReport.of(members.all().values(), views, state == SnapshotState.TAKEN);
  }

  @Override
  public List<SnapshotImage> images() {
    return List.copyOf(views.values());
  }

  @Override
  public StorageStatus storage() throws BlksnapException {
    checkAlive();
    return storage.status();
  }

  @Override
  public BlksnapEvent.OfSnapshot waitEvent(Duration timeout) throws BlksnapException {
    checkAlive();
    return engine.events().await(id, timeout);
  }

  @Override
  public EventSubscription subscribe() throws BlksnapException {
    checkAlive();
    return engine.events().subscribe(id);
  }

  @Override
  public boolean acknowledge(BlksnapEvent.OfSnapshot event) {
    return engine.events().acknowledge(event);
  }

  /**
   * Each part goes whatever becomes of the others: what stayed behind would hold its device for
   * ever, since a destroyed snapshot is not destroyed again. Where the record can not say so, the
   * areas' files do before a live write passes unsaved: a kill must not find images that look well.
   */
  @Override
  public void destroy() throws BlksnapException {
    engine.control.lock();
    try {
      if (state == SnapshotState.DESTROYED) {
        return;
      }
      boolean noted = keepQuietly(SnapshotRecord.Phase.DESTROYING);
      state = SnapshotState.DESTROYED;
      for (ImageView view : views.values()) {
        attempt(
            "the image of device " + view.device(),
            () -> {
              view.destroyed();
              if (!noted) {
                spoil(view);
              }
              view.held().abandon();
            });
      }
      if (storage.waitsForProvider()) {
        storage.giveUp();
      }
      for (ImageView view : views.values()) {
        attempt("the image of device " + view.device(), () -> release(view));
      }
      for (String name : members.all().keySet()) {
        engine.device(name).ifPresent(device -> ((FilteredDevice) device).belongTo(null));
      }
      views = Map.of();
      attempt("its storage", storage::delete);
      attempt("its records", () -> engine.forget(this));
    } finally {
      engine.control.unlock();
    }
    engine.events().offer(new BlksnapEvent.Destroyed(Instant.now(), engine.events().engine(), id));
    engine.events().close(id);
  }

  /**
   * A kill must not bring back an image past which writes went, though the record knows nothing.
   */
  private void spoil(ImageView view) {
    DiffArea area = view.held().area();
    if (area == null) {
      dropChunks(view.device());
    } else {
      area.corrupt(Errno.ESTALE, "its snapshot was being destroyed");
    }
  }

  /** A part of a destruction. */
  private interface Part {
    void go() throws Exception;
  }

  private void attempt(String what, Part part) {
    try {
      part.go();
    } catch (Throwable e) {
      engine.log().error("snapshot {}: {} was not removed whole", id, what, e);
    }
  }

  /** No write is inside while the area goes, so none preserves into a closed one. */
  private void release(ImageView view) {
    engine.assertControlled();
    FilteredDevice device = view.liveDevice();
    boolean quiet = engine.gates().shut(device);
    try {
      device.hold(null);
    } finally {
      if (quiet) {
        engine.gates().open(device);
      }
    }
    view.retire(engine.settings().gateTimeout());
  }

  @Override
  public UUID id() {
    return id;
  }

  @Override
  public SnapshotState state() {
    return state;
  }

  @Override
  public Instant created() {
    return created;
  }

  @Override
  public Optional<Instant> taken() {
    return Optional.ofNullable(taken);
  }

  @Override
  public Optional<Consistency> consistency() {
    return Optional.ofNullable(consistency);
  }

  @Override
  public List<String> consistencyReasons() {
    return reasons;
  }

  @Override
  public List<String> devices() {
    return List.copyOf(members.all().keySet());
  }
}
