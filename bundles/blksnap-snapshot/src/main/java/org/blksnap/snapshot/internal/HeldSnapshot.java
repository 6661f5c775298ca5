// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
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
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.api.snapshot.TakeResult;
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
      SnapshotState restoredState,
      Instant restoredTaken,
      boolean clean,
      List<SnapshotRecord.Member> restored) {
    engine.assertControlled();
    recordedClean = clean;
    state = restoredState;
    taken = restoredTaken;
    members.restore(restored);
  }

  void link(FilteredDevice device, HeldArea held) {
    engine.assertControlled();
    Map<String, ImageView> map = new LinkedHashMap<>(views);
    map.put(device.name(), new ImageView(id, device, held, storage));
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
              List.copyOf(members.all().values()))
          .write(directory);
      recordedClean = clean;
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO,
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
      } catch (BlksnapException e) {
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
    List<String> names;
    engine.control.lock();
    try {
      checkTakeable();
      names = List.copyOf(members.all().keySet());
    } finally {
      engine.control.unlock();
    }
    List<String> problems = new ArrayList<>();
    var asked = engine.participants().before(id, names, problems);
    boolean done = false;
    TakeResult result = null;
    try {
      engine.control.lock();
      try {
        result = takeLocked();
        done = true;
      } finally {
        engine.control.unlock();
      }
    } finally {
      engine.participants().after(asked, id, names, done, problems);
    }
    List<String> warnings = new ArrayList<>(problems);
    warnings.addAll(result.warnings());
    TakeResult whole = new TakeResult(!warnings.isEmpty(), warnings, result.heldNanos());
    engine
        .events()
        .offer(new BlksnapEvent.Taken(System.nanoTime(), id, names, whole.crashConsistent()));
    return whole;
  }

  private void checkTakeable() throws BlksnapException {
    engine.assertControlled();
    checkAlive();
    if (state == SnapshotState.TAKEN) {
      throw new BlksnapException(Errno.EALREADY, "snapshot " + id + " is taken already");
    }
    if (members.all().isEmpty()) {
      throw new BlksnapException(
          Errno.ENODEV, "snapshot " + id + " has no device; add one with blksnap:snapshot-add");
    }
    if (storage.isEmpty()) {
      throw new BlksnapException(
          Errno.EFAULT,
          "snapshot "
              + id
              + " has no difference storage; give it some with blksnap:snapshot-append-storage");
    }
    engine.neededPlaces().refuseFrozen(engine.deviceList().of(this));
  }

  private TakeResult takeLocked() throws BlksnapException {
    engine.assertControlled();
    checkTakeable();
    List<FilteredDevice> devices = engine.deviceList().require(members.all().keySet());
    for (FilteredDevice device : devices) {
      DeviceList.requireWhole(device);
      engine.lookAtCapacity(device);
      StoragePlaces.checkBlockSize(device, storage.logicalBlockSize());
    }
    BlockSizeRule rule = engine.parameters().chunkRule();
    Map<String, UUID> generations = engine.generations().of(devices);
    Map<String, SnapshotRecord.Member> before = members.all();
    Take take = new Take(engine.settings(), devices);
    try {
      for (FilteredDevice device : devices) {
        members.replace(
            new SnapshotRecord.Member(
                device.name(), device.imageName(), device.geometry(), rule, null, Errno.OK, ""));
      }
      keep(SnapshotRecord.Phase.TAKING);
      take.prepare(
          engine.providers().chunk(),
          rule,
          (chunks, device, held, r) -> engine.areas().make(chunks, this, device, held, r));
      take.run(id);
    } catch (BlksnapException | RuntimeException | Error e) {
      if (!take.committed()) {
        take.putBack();
        members.putBack(before);
        keepQuietly(SnapshotRecord.Phase.CREATED);
        throw e;
      }
      throw e;
    }
    for (FilteredDevice device : devices) {
      link(device, take.heldOf(device));
      SnapshotRecord.Member member = members.all().get(device.name());
      members.replace(member.under(Generations.idOf(device)));
    }
    taken = Instant.now();
    state = SnapshotState.TAKEN;
    engine.generations().announceNew(devices, generations);
    List<String> warnings = new ArrayList<>(take.warnings());
    try {
      keep(SnapshotRecord.Phase.TAKEN);
    } catch (BlksnapException e) {
      warnings.add("the snapshot will not outlive this process: " + e.getMessage());
    }
    return new TakeResult(!warnings.isEmpty(), warnings, take.result().heldNanos());
  }

  private void keepQuietly(SnapshotRecord.Phase phase) {
    try {
      keep(phase);
    } catch (BlksnapException e) {
      engine.log().error("snapshot {}: {}", id, e.getMessage());
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
    engine.events().close(id);
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
    engine.events().close(id);
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
  public void destroy() throws BlksnapException {
    engine.control.lock();
    try {
      if (state == SnapshotState.DESTROYED) {
        return;
      }
      keepQuietly(SnapshotRecord.Phase.DESTROYING);
      state = SnapshotState.DESTROYED;
      for (ImageView view : views.values()) {
        release(view);
      }
      for (String name : members.all().keySet()) {
        engine.device(name).ifPresent(device -> ((FilteredDevice) device).belongTo(null));
      }
      views = Map.of();
      storage.delete();
      engine.forget(this);
    } finally {
      engine.control.unlock();
    }
    engine.events().close(id);
    engine.events().offer(new BlksnapEvent.Destroyed(System.nanoTime(), id));
  }

  /** No write is inside while the area goes, so none preserves into a closed one. */
  private void release(ImageView view) {
    engine.assertControlled();
    view.destroyed();
    FilteredDevice device = view.liveDevice();
    boolean quiet = engine.gates().shut(device);
    device.hold(null);
    if (quiet) {
      engine.gates().open(device);
    }
    DiffArea area = view.held().area();
    if (area != null) {
      area.delete();
    }
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
  public List<String> devices() {
    return List.copyOf(members.all().keySet());
  }
}
