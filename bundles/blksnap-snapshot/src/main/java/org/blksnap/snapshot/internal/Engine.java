// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.Version;
import org.blksnap.enginebase.DaemonThreads;
import org.blksnap.enginebase.EventRelay;
import org.blksnap.enginebase.Participants;
import org.blksnap.enginebase.StateDirectory;
import org.blksnap.linux.proc.BootId;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.event.EventProvider;
import org.blksnap.spi.storage.StorageRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The conductor of the userspace engine: knows every device and every snapshot, and lets the rooms
 * (device, tracker, chunk, storage) work together without knowing each other.
 *
 * <p>One lock, {@link #control}, makes all changing calls run one after another: attach, detach,
 * take, destroy, resize, swap. It is never held by data requests; those meet the gates of their
 * devices alone. Lock order: control, then gates in the order of device names, then whatever a room
 * locks inside. Nothing that holds a gate takes the control lock.
 */
final class Engine implements SnapshotService, FilteredDevice.Keeper, Closeable {
  /** Value of its service property, and what its events name. */
  static final String NAME = "userspace";

  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  final ReentrantLock control = new ReentrantLock(true);

  /** A room's provider has come, or the engine goes. */
  private final Condition roomCame = control.newCondition();

  private final StateDirectory state;
  private final HotState hot;
  private final Supplier<EngineSettings> settings;
  private final EngineParameters parameters;
  private final Providers providers = new Providers();
  private final EventRelay events = new EventRelay(NAME);
  private final Participants participants;
  private final Housekeeper housekeeper;
  private final HotSwap swap;
  private final ChangeMaps changeMaps;
  private final Attachments attachments;
  private final String bootId;
  private final LeftDevices left;
  private final Guardian guardian;
  private final Baselines baselines = new Baselines(this);
  private final Resting resting = new Resting(this);
  private final DeviceList devices = new DeviceList(this::assertControlled);
  private final SnapshotList snapshots = new SnapshotList(this::assertControlled);
  private final Generations generations = new Generations(events);
  private final DiffAreas areas = new DiffAreas(this);
  private final DeviceGates gates = new DeviceGates(this);
  private final NeededPlaces neededPlaces = new NeededPlaces(this);

  @GuardedBy("control")
  private boolean restored;

  @GuardedBy("control")
  private boolean closed;

  Engine(
      Path stateDirectory,
      EngineParameters parameters,
      Supplier<EngineSettings> settings,
      Supplier<List<SnapshotParticipant>> registeredParticipants)
      throws BlksnapException {
    this(stateDirectory, HotBase.NONE, parameters, settings, registeredParticipants);
  }

  /** {@code hotChoice} is {@code hot_state_directory}. */
  Engine(
      Path stateDirectory,
      String hotChoice,
      EngineParameters parameters,
      Supplier<EngineSettings> settings,
      Supplier<List<SnapshotParticipant>> registeredParticipants)
      throws BlksnapException {
    this.state = StateDirectory.open(stateDirectory);
    this.hot = HotState.open(stateDirectory, hotChoice, BootId.current());
    this.settings = settings;
    this.parameters = parameters;
    this.housekeeper = new Housekeeper(this);
    this.participants =
        new Participants(registeredParticipants, DaemonThreads.named("blksnap-participant"));
    this.swap = new HotSwap(this);
    this.changeMaps = new ChangeMaps(this);
    this.attachments = new Attachments(this);
    this.bootId = BootId.current();
    this.left = new LeftDevices(state.root(), bootId);
    this.guardian = new Guardian(state.root(), bootId);
  }

  /**
   * A provider has come. The engine restores what it knew as soon as all four are there. Answers
   * whether they are.
   */
  boolean provide(Room room, Object provider) {
    control.lock();
    try {
      if (closed) {
        return false;
      }
      swap.provide(room, provider);
      roomCame.signalAll();
      if (!restored && providers.complete()) {
        try {
          new Restoration(this).run();
        } catch (IOException | UncheckedIOException e) {
          LOG.error(
              "nothing is attached, for the state directory {} was not read: {}; mend it, then"
                  + " bundle:restart org.blksnap.snapshot",
              state.root(),
              e.toString());
          return false;
        }
        restored = true;
        devices.all().forEach(this::watch);
        settleMaps(false);
        housekeeper.start();
        LOG.info(
            "blksnap {} ready: {} devices, {} snapshots, state in {}; parameters {}",
            version(),
            devices.all().size(),
            snapshots.all().size(),
            state.root(),
            parameters);
      }
      return restored;
    } finally {
      control.unlock();
    }
  }

  @GuardedBy("control")
  private void settleMaps(boolean stopping) {
    try {
      hot.settleDevices(state.devices(), stopping);
    } catch (IOException e) {
      LOG.warn("change maps stay in memory: {}", e.toString());
    }
  }

  /** A provider goes; ignored where another one has taken its place already. */
  void withdraw(Room room, Object provider) {
    control.lock();
    try {
      if (!closed) {
        swap.withdraw(room, provider);
      }
    } finally {
      control.unlock();
    }
  }

  void provideEvents(EventProvider provider) {
    events.provide(provider);
  }

  void withdrawEvents(EventProvider provider) {
    events.withdraw(provider);
  }

  @Override
  public Version version() {
    return Version.INTERFACE;
  }

  @Override
  public AttachedDevice attach(AttachRequest request) throws BlksnapException {
    control.lock();
    try {
      awaitRooms(request);
      FilteredDevice device = attachments.attach(request);
      watch(device);
      return device;
    } finally {
      control.unlock();
    }
  }

  /** Its map and its images have been judged, and the verdict is in their files. */
  private void watch(FilteredDevice device) {
    RawDevice raw = device.raw();
    if (raw != null) {
      guardian.watch(device.name(), raw);
    }
  }

  /**
   * A device attached while a room is away would lose its image for good, for its saved chunks
   * could not be had. So it waits as long as I/O would wait for the successor. EAGAIN: none came.
   */
  @GuardedBy("control")
  private void awaitRooms(AttachRequest request) throws BlksnapException {
    checkOpen();
    long left = settings().handoverTimeout().toNanos();
    while (!providers.complete()) {
      Room away =
          Arrays.stream(Room.values()).filter(r -> providers.get(r) == null).findFirst().get();
      if (left <= 0) {
        throw new BlksnapException(
            Errno.EAGAIN,
            "device "
                + request.path()
                + " was not attached: the bundle "
                + away.bundle()
                + " is away; start it with bundle:start "
                + away.bundle()
                + ", then attach the device again");
      }
      try {
        left = roomCame.awaitNanos(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BlksnapException(
            Errno.EINTR,
            "device "
                + request.path()
                + " was not attached: interrupted while waiting for "
                + away.bundle(),
            e);
      }
      checkOpen();
    }
  }

  @GuardedBy("control")
  private void checkOpen() throws BlksnapException {
    if (closed || !restored) {
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "the userspace engine is "
              + (closed ? "shut down" : "not complete yet: a bundle is missing"));
    }
  }

  @Override
  public void detach(String name) throws BlksnapException {
    control.lock();
    try {
      checkOpen();
      attachments.detach(devices.require(name));
    } finally {
      control.unlock();
    }
  }

  /** Called by requests that doubt the capacity, by the watch and by users. */
  @Override
  public boolean rescan(FilteredDevice device) throws IOException {
    control.lock();
    try {
      if (closed) {
        return false;
      }
      boolean changed = attachments.rescan(device);
      resting.look(device);
      return changed;
    } finally {
      control.unlock();
    }
  }

  @Override
  public CbtInfo restartChanges(FilteredDevice device) throws BlksnapException {
    control.lock();
    try {
      checkOpen();
      return attachments.restartChanges(devices.require(device.name()));
    } finally {
      control.unlock();
    }
  }

  /** As {@link #rescan}, its failures as a call's. */
  void lookAtCapacity(FilteredDevice device) throws BlksnapException {
    try {
      rescan(device);
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "device " + device.name() + ": its capacity was not read: " + e,
          e);
    }
  }

  @Override
  public List<AttachedDevice> devices() {
    return List.copyOf(devices.all());
  }

  Collection<FilteredDevice> filteredDevices() {
    return devices.all();
  }

  DeviceList deviceList() {
    return devices;
  }

  SnapshotList snapshotList() {
    return snapshots;
  }

  Generations generations() {
    return generations;
  }

  DiffAreas areas() {
    return areas;
  }

  ChangeMaps changeMaps() {
    return changeMaps;
  }

  Attachments attachments() {
    return attachments;
  }

  NeededPlaces neededPlaces() {
    return neededPlaces;
  }

  HotSwap swap() {
    return swap;
  }

  String bootId() {
    return bootId;
  }

  @Override
  public Optional<AttachedDevice> device(String nameOrPath) {
    return Optional.ofNullable(devices.find(nameOrPath));
  }

  @Override
  public Snapshot create() throws BlksnapException {
    control.lock();
    try {
      checkOpen();
      UUID id = UUID.randomUUID();
      Path directory = state.snapshot(id);
      events.open(id);
      boolean done = false;
      StorageRoom storage = null;
      try {
        Files.createDirectories(directory);
        hot.enterSnapshot(directory);
        StorageRequest request = storageRequest(id);
        storage = new StorageRoom(request, providers.storage().create(request));
        HeldSnapshot snapshot = new HeldSnapshot(this, id, Instant.now(), directory, storage);
        snapshot.keep(SnapshotRecord.Phase.CREATED);
        snapshots.remember(snapshot);
        done = true;
        return snapshot;
      } catch (BlksnapException e) {
        throw e;
      } catch (IOException e) {
        throw new BlksnapException(BlksnapException.errnoOf(e), "no snapshot was created: " + e, e);
      } finally {
        if (!done) {
          events.close(id);
          if (storage != null) {
            storage.delete();
          }
          hot.drop(directory);
          StateDirectory.removeQuietly(directory);
        }
      }
    } finally {
      control.unlock();
    }
  }

  StorageRequest storageRequest(UUID id) {
    return new StorageRequest(
        id,
        hot.of(state.snapshot(id)).resolve("storage.state"),
        () -> parameters.value(Parameter.DIFF_STORAGE_MINIMUM),
        bytes ->
            events.offer(new BlksnapEvent.LowFreeSpace(Instant.now(), events.engine(), id, bytes)));
  }

  void forget(HeldSnapshot snapshot) {
    snapshots.forget(snapshot);
    hot.drop(snapshot.directory());
    StateDirectory.removeQuietly(snapshot.directory());
  }

  @Override
  public List<UUID> collect() {
    return snapshots.ids();
  }

  @Override
  public List<Snapshot> snapshots() {
    return List.copyOf(snapshots.all());
  }

  Collection<HeldSnapshot> heldSnapshots() {
    return snapshots.all();
  }

  @Override
  public Snapshot snapshot(UUID id) throws BlksnapException {
    return snapshots.require(id, Errno.ESRCH);
  }

  @Override
  public void destroy(UUID id) throws BlksnapException {
    snapshots.require(id, Errno.ENODEV).destroy();
  }

  @Override
  public List<SnapshotImage> images() {
    List<SnapshotImage> images = new ArrayList<>();
    snapshots.all().forEach(snapshot -> images.addAll(snapshot.images()));
    return images;
  }

  @Override
  public Optional<SnapshotImage> image(String name) {
    return images().stream().filter(image -> image.name().equals(name)).findFirst();
  }

  DeviceGates gates() {
    return gates;
  }

  /** For the parts of the engine whose state the control lock guards. */
  void assertControlled() {
    if (!control.isHeldByCurrentThread()) {
      throw new IllegalStateException("the engine's control lock is not held");
    }
  }

  Providers providers() {
    return providers;
  }

  EventRelay events() {
    return events;
  }

  Participants participants() {
    return participants;
  }

  EngineSettings settings() {
    return settings.get();
  }

  EngineParameters parameters() {
    return parameters;
  }

  LeftDevices leftDevices() {
    assertControlled();
    return left;
  }

  Guardian guardian() {
    return guardian;
  }

  Baselines baselines() {
    return baselines;
  }

  HotState hot() {
    return hot;
  }

  StateDirectory state() {
    return state;
  }

  Housekeeper housekeeper() {
    return housekeeper;
  }

  Logger log() {
    return LOG;
  }

  /**
   * Clean stop: no new calls, areas handed over to their files, maps closed with the devices'
   * fingerprints. Idempotent.
   */
  @Override
  public void close() {
    go(false);
  }

  /**
   * Ends as {@link #close} does, but for a successor in a moment, while clients wait: what lies in
   * the kernel's memory stays there. Idempotent.
   */
  void leaveToSuccessor() {
    go(true);
  }

  private void go(boolean successorFollows) {
    control.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      roomCame.signalAll();
      housekeeper.close();
      if (!restored) {
        return;
      }
      Departure departure = new Departure(this);
      if (successorFollows) {
        departure.toSuccessor();
      } else {
        departure.forGood();
        settleMaps(true);
        hot.close();
      }
    } finally {
      guardian.close();
      releaseState();
      control.unlock();
    }
  }

  private void releaseState() {
    try {
      state.close();
    } catch (IOException e) {
      LOG.warn("the state directory's lock was not released: {}", e.toString());
    }
  }
}
