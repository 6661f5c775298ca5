// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
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
import org.blksnap.spi.chunk.DiffAreaStatus;
import org.blksnap.spi.device.OpenRequest;

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

  /**
   * Files and directories given to the storage, under the control lock; devices added later are
   * checked against them.
   */
  private final List<Path> storagePlaces = new ArrayList<>();

  private volatile SnapshotState state = SnapshotState.CREATED;
  private volatile Instant taken;

  /** Replaced as a whole under the control lock. */
  private volatile Map<String, SnapshotRecord.Member> members = Map.of();

  /** Replaced as a whole under the control lock; by device name. */
  private volatile Map<String, ImageView> views = Map.of();

  HeldSnapshot(Engine engine, UUID id, Instant created, Path directory, StorageRoom storage) {
    this.engine = engine;
    this.id = id;
    this.created = created;
    this.directory = directory;
    this.storage = storage;
  }

  Path directory() {
    return directory;
  }

  StorageRoom storageRoom() {
    return storage;
  }

  Map<String, SnapshotRecord.Member> members() {
    return members;
  }

  Map<String, ImageView> views() {
    return views;
  }

  Path areaDirectory(String device) {
    return directory.resolve("area-" + device);
  }

  void restore(
      SnapshotState restoredState, Instant restoredTaken, List<SnapshotRecord.Member> restored) {
    engine.assertControlled();
    state = restoredState;
    taken = restoredTaken;
    Map<String, SnapshotRecord.Member> map = new LinkedHashMap<>();
    restored.forEach(member -> map.put(member.device(), member));
    members = map;
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
              id, phase, created, taken, engine.bootId(), clean, new ArrayList<>(members.values()))
          .write(directory);
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO,
          "snapshot " + id + ": its record in " + directory + " was not written: " + e,
          e);
    }
  }

  /** The first error of a device's image is written down; called by the housekeeper. */
  void keepError(String device, Errno error, String detail) throws BlksnapException {
    engine.control.lock();
    try {
      SnapshotRecord.Member old = members.get(device);
      if (state != SnapshotState.TAKEN || old == null || old.error() != Errno.OK) {
        return;
      }
      replaceMember(
          new SnapshotRecord.Member(
              device, old.image(), old.geometry(), old.rule(), error, detail));
      keep(SnapshotRecord.Phase.TAKEN);
    } finally {
      engine.control.unlock();
    }
  }

  private void replaceMember(SnapshotRecord.Member member) {
    engine.assertControlled();
    Map<String, SnapshotRecord.Member> map = new LinkedHashMap<>(members);
    map.put(member.device(), member);
    members = map;
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
      FilteredDevice device = engine.requireDevice(name);
      if (members.containsKey(device.name())) {
        throw new BlksnapException(
            Errno.EALREADY, "device " + device.name() + " is in snapshot " + id + " already");
      }
      if (state == SnapshotState.TAKEN) {
        throw new BlksnapException(
            Errno.EBUSY,
            "device "
                + device.name()
                + " refused: snapshot "
                + id
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
      checkBlockSize(device, storage.logicalBlockSize());
      for (Path place : storagePlaces) {
        boolean directoryGiven = Files.isDirectory(place);
        if (directoryGiven || Files.isRegularFile(place)) {
          refuseCarried(device, directoryGiven ? place : place.toAbsolutePath().getParent(), place);
        }
      }
      Map<String, SnapshotRecord.Member> before = members;
      replaceMember(SnapshotRecord.Member.added(device.name()));
      try {
        keep(SnapshotRecord.Phase.CREATED);
      } catch (BlksnapException e) {
        members = before;
        throw e;
      }
      device.belongTo(id);
    } finally {
      engine.control.unlock();
    }
  }

  private static void checkBlockSize(FilteredDevice device, int storageBlock)
      throws BlksnapException {
    int deviceBlock = device.geometry().logicalBlockSize();
    if (deviceBlock < storageBlock) {
      throw new BlksnapException(
          Errno.ENOTBLK,
          "device "
              + device.name()
              + " has logical blocks of "
              + deviceBlock
              + " bytes, the storage of "
              + storageBlock
              + "; give storage whose blocks are not larger than the device's");
    }
  }

  private List<FilteredDevice> memberDevices() throws BlksnapException {
    engine.assertControlled();
    List<FilteredDevice> devices = new ArrayList<>();
    for (String name : members.keySet()) {
      devices.add(engine.requireDevice(name));
    }
    return devices;
  }

  @Override
  public void appendStorage(Path path, List<ByteRange> ranges) throws BlksnapException {
    engine.control.lock();
    try {
      checkAlive();
      Geometry geometry = engine.providers().device().geometry(path);
      refuseHeldElsewhere(path);
      for (FilteredDevice device : engine.devicesOf(this)) {
        checkBlockSize(device, geometry.logicalBlockSize());
        if (!isBlockDevice(path)) {
          refuseCarried(device, path.toAbsolutePath().getParent(), path);
        }
      }
      storage.appendRanges(path, ranges, geometry);
      storagePlaces.add(path);
    } finally {
      engine.control.unlock();
    }
  }

  private static boolean isBlockDevice(Path path) {
    return !Files.isRegularFile(path);
  }

  /**
   * A block device that is mounted or held by others would be overwritten; one of our own is known
   * to be ours.
   */
  private void refuseHeldElsewhere(Path path) throws BlksnapException {
    if (!isBlockDevice(path)
        || engine.device(path.toAbsolutePath().normalize().toString()).isPresent()) {
      return;
    }
    try {
      engine.providers().device().open(new OpenRequest(path, false, false)).close();
    } catch (BlksnapException e) {
      throw new BlksnapException(e.errno(), "storage " + path + " refused: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new BlksnapException(Errno.EIO, "storage " + path + " refused: " + e, e);
    }
  }

  private static void refuseCarried(FilteredDevice device, Path directory, Path asked)
      throws BlksnapException {
    if (device.raw() == null || directory == null) {
      return;
    }
    try {
      if (device.raw().carries(directory)) {
        throw new BlksnapException(
            Errno.EINVAL,
            "storage "
                + asked
                + " refused: it lies on device "
                + device.name()
                + ", which this snapshot holds; give a place on another device");
      }
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO,
          "storage " + asked + ": it could not be found out on which device it lies: " + e,
          e);
    }
  }

  @Override
  public void appendStorageDirectory(Path dir, long limit) throws BlksnapException {
    engine.control.lock();
    try {
      checkAlive();
      for (FilteredDevice device : engine.devicesOf(this)) {
        refuseCarried(device, dir, dir);
      }
      storage.appendDirectory(dir, limit);
      storagePlaces.add(dir);
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
      names = List.copyOf(members.keySet());
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
    if (members.isEmpty()) {
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
  }

  private TakeResult takeLocked() throws BlksnapException {
    engine.assertControlled();
    checkTakeable();
    List<FilteredDevice> devices = memberDevices();
    for (FilteredDevice device : devices) {
      engine.requireWhole(device);
      lookAtCapacity(device);
      checkBlockSize(device, storage.logicalBlockSize());
    }
    BlockSizeRule rule = engine.parameters().chunkRule();
    Map<String, UUID> generations = engine.generations(devices);
    Map<String, SnapshotRecord.Member> before = members;
    Take take = new Take(engine.settings(), devices);
    try {
      for (FilteredDevice device : devices) {
        replaceMember(
            new SnapshotRecord.Member(
                device.name(), device.imageName(), device.geometry(), rule, Errno.OK, ""));
      }
      keep(SnapshotRecord.Phase.TAKING);
      take.prepare(
          engine.providers().chunk(),
          rule,
          (chunks, device, held, r) -> engine.makeArea(chunks, this, device, held, r));
      take.run(id);
    } catch (BlksnapException | RuntimeException | Error e) {
      if (!take.committed()) {
        take.putBack();
        members = before;
        keepQuietly(SnapshotRecord.Phase.CREATED);
        throw e;
      }
      throw e;
    }
    for (FilteredDevice device : devices) {
      link(device, take.heldOf(device));
    }
    taken = Instant.now();
    state = SnapshotState.TAKEN;
    engine.announceGenerations(devices, generations);
    List<String> warnings = new ArrayList<>(take.warnings());
    try {
      keep(SnapshotRecord.Phase.TAKEN);
    } catch (BlksnapException e) {
      warnings.add("the snapshot will not outlive this process: " + e.getMessage());
    }
    return new TakeResult(!warnings.isEmpty(), warnings, take.result().heldNanos());
  }

  private void lookAtCapacity(FilteredDevice device) throws BlksnapException {
    try {
      engine.rescan(device);
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO, "device " + device.name() + ": its capacity was not read: " + e, e);
    }
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
        noteErrors();
        storage.flush();
        forceFiles();
        keep(SnapshotRecord.Phase.TAKEN, true);
      }
    } catch (IOException e) {
      engine.log().warn("snapshot {} would not outlive a power cut: {}", id, e.toString());
    }
    engine.events().close(id);
    storage.close();
  }

  /** Errors the housekeeper has not come to write down. */
  private void noteErrors() {
    for (ImageView view : views.values()) {
      SnapshotRecord.Member old = members.get(view.device());
      HeldArea held = view.held();
      if (old != null && old.error() == Errno.OK && held.error() != Errno.OK) {
        replaceMember(
            new SnapshotRecord.Member(
                old.device(),
                old.image(),
                old.geometry(),
                old.rule(),
                held.error(),
                held.detail()));
      }
    }
  }

  /** Chunk maps, queued buffers and the storage's own file. */
  private void forceFiles() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.force(true);
        }
      }
    }
  }

  @Override
  public List<ImageInfo> info() throws BlksnapException {
    checkAlive();
    List<ImageInfo> infos = new ArrayList<>();
    Map<String, ImageView> now = views;
    for (SnapshotRecord.Member member : members.values()) {
      ImageView view = now.get(member.device());
      infos.add(view == null ? infoWithoutView(member) : infoOf(view.held(), member.device()));
    }
    return infos;
  }

  private ImageInfo infoWithoutView(SnapshotRecord.Member member) {
    boolean missing = state == SnapshotState.TAKEN && member.error() == Errno.OK;
    return new ImageInfo(
        member.device(),
        missing ? Errno.ENXIO : member.error(),
        missing
            ? "device " + member.device() + " is not attached; attach it to have the image back"
            : member.detail(),
        member.image(),
        0,
        0,
        0,
        0,
        0);
  }

  private static ImageInfo infoOf(HeldArea held, String device) {
    DiffArea area = held.area();
    DiffAreaStatus status = area == null ? new DiffAreaStatus(0, 0, 0, 0) : area.status();
    return new ImageInfo(
        device,
        held.error(),
        held.detail(),
        held.image(),
        area == null ? 0 : area.chunkSize(),
        area == null ? 0 : area.chunkCount(),
        status.savedChunks(),
        status.savedBytes(),
        status.queuedChunks());
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
      for (String name : members.keySet()) {
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
    boolean quiet = engine.closeGate(device);
    device.hold(null);
    if (quiet) {
      engine.openGate(device);
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
    return List.copyOf(members.keySet());
  }
}
