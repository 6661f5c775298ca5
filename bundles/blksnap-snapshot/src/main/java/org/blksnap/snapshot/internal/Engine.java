// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
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
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaRequest;
import org.blksnap.spi.event.EventProvider;
import org.blksnap.spi.storage.StorageRequest;
import org.blksnap.spi.tracker.Tracker;
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
final class Engine implements SnapshotService, Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  final ReentrantLock control = new ReentrantLock(true);

  private final StateDirectory state;
  private final EngineSettings settings;
  private final ParameterSet parameters;
  private final Providers providers = new Providers();
  private final EventRelay events = new EventRelay();
  private final Participants participants;
  private final Housekeeper housekeeper;
  private final HotSwap swap;
  private final Attachments attachments;
  private final String bootId;
  private final Instant startedAt = Instant.now().truncatedTo(ChronoUnit.MILLIS);
  private final Map<String, FilteredDevice> devices = new ConcurrentSkipListMap<>();

  /** Replaced as a whole under the control lock; oldest first. */
  private volatile Map<UUID, HeldSnapshot> snapshots = Map.of();

  @GuardedBy("control")
  private boolean restored;

  @GuardedBy("control")
  private boolean closed;

  Engine(
      Path stateDirectory,
      ParameterSet parameters,
      EngineSettings settings,
      Supplier<List<SnapshotParticipant>> registeredParticipants)
      throws BlksnapException {
    this.state = StateDirectory.open(stateDirectory);
    this.settings = settings;
    this.parameters = parameters;
    this.housekeeper = new Housekeeper(this);
    this.participants =
        new Participants(registeredParticipants, Housekeeper.threads("blksnap-participant"));
    this.swap = new HotSwap(this);
    this.attachments = new Attachments(this);
    this.bootId = readBootId();
  }

  private static String readBootId() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).trim();
    } catch (IOException e) {
      return "unknown";
    }
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
      if (!restored && providers.complete()) {
        restored = true;
        new Restoration(this).run();
        housekeeper.start();
        LOG.info(
            "blksnap {} ready: {} devices, {} snapshots, state in {}; parameters {}",
            version(),
            devices.size(),
            snapshots.size(),
            state.root(),
            describeParameters());
      }
      return restored;
    } finally {
      control.unlock();
    }
  }

  private String describeParameters() {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<Parameter, Long> entry : parameters.values().entrySet()) {
      text.append(text.length() == 0 ? "" : ", ")
          .append(entry.getKey().key())
          .append('=')
          .append(entry.getValue());
    }
    return text.toString();
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
      checkOpen();
      return attachments.attach(request);
    } finally {
      control.unlock();
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

  void announce(FilteredDevice device, CbtInfo info) {
    LOG.info(
        "device {}: new change map generation {}: {} {}",
        device.name(),
        info.generationId(),
        info.reason().text(),
        info.reasonDetail());
    events.offer(
        new BlksnapEvent.NewGeneration(
            System.nanoTime(),
            device.name(),
            info.generationId(),
            info.reason(),
            info.reasonDetail()));
  }

  Map<String, UUID> generations(Collection<FilteredDevice> of) {
    Map<String, UUID> ids = new HashMap<>();
    for (FilteredDevice device : of) {
      Tracker tracker = device.tracker();
      try {
        if (tracker != null) {
          ids.put(device.name(), tracker.info().generationId());
        }
      } catch (IOException e) {
        LOG.debug("device {} has a corrupted map: {}", device.name(), e.toString());
      }
    }
    return ids;
  }

  void announceGenerations(Collection<FilteredDevice> of, Map<String, UUID> before) {
    for (FilteredDevice device : of) {
      Tracker tracker = device.tracker();
      try {
        if (tracker != null && !tracker.info().generationId().equals(before.get(device.name()))) {
          announce(device, tracker.info());
        }
      } catch (IOException e) {
        LOG.warn("device {}: its change map cannot be read: {}", device.name(), e.toString());
      }
    }
  }

  @Override
  public void detach(String name) throws BlksnapException {
    control.lock();
    try {
      checkOpen();
      attachments.detach(requireDevice(name));
    } finally {
      control.unlock();
    }
  }

  /** Called by requests that doubt the capacity, by the watch and by users. */
  boolean rescan(FilteredDevice device) throws IOException {
    control.lock();
    try {
      return !closed && attachments.rescan(device);
    } finally {
      control.unlock();
    }
  }

  @Override
  public List<AttachedDevice> devices() {
    return List.copyOf(devices.values());
  }

  Collection<FilteredDevice> filteredDevices() {
    return devices.values();
  }

  FilteredDevice deviceNamed(String name) {
    return devices.get(name);
  }

  void enlist(FilteredDevice device) {
    assertControlled();
    devices.put(device.name(), device);
  }

  void strike(FilteredDevice device) {
    assertControlled();
    devices.remove(device.name());
  }

  Attachments attachments() {
    return attachments;
  }

  HotSwap swap() {
    return swap;
  }

  String bootId() {
    return bootId;
  }

  @Override
  public Optional<AttachedDevice> device(String nameOrPath) {
    FilteredDevice byName = devices.get(nameOrPath);
    if (byName != null) {
      return Optional.of(byName);
    }
    for (FilteredDevice device : devices.values()) {
      if (device.path().toString().equals(nameOrPath)
          || (device.major() + ":" + device.minor()).equals(nameOrPath)) {
        return Optional.of(device);
      }
    }
    return Optional.empty();
  }

  FilteredDevice requireDevice(String name) throws BlksnapException {
    return (FilteredDevice)
        device(name)
            .orElseThrow(
                () ->
                    new BlksnapException(
                        Errno.ENODEV,
                        "no device \""
                            + name
                            + "\" is attached; attached are "
                            + devices.keySet()));
  }

  /** ESHUTDOWN where one of the device's rooms is away. */
  void requireWhole(FilteredDevice device) throws BlksnapException {
    if (device.raw() == null || device.tracker() == null) {
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "device " + device.name() + ": " + device.condition() + "; see blksnap:doctor");
    }
  }

  List<FilteredDevice> devicesOf(HeldSnapshot snapshot) {
    List<FilteredDevice> list = new ArrayList<>();
    for (String name : snapshot.members().keySet()) {
      FilteredDevice device = devices.get(name);
      if (device != null) {
        list.add(device);
      }
    }
    return list;
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
      try {
        Files.createDirectories(directory);
        StorageRequest request = storageRequest(id);
        HeldSnapshot snapshot =
            new HeldSnapshot(
                this,
                id,
                Instant.now(),
                directory,
                new StorageRoom(request, providers.storage().create(request)));
        snapshot.keep(SnapshotRecord.Phase.CREATED);
        remember(snapshot);
        done = true;
        return snapshot;
      } catch (BlksnapException e) {
        throw e;
      } catch (IOException e) {
        throw new BlksnapException(Errno.EIO, "no snapshot was created: " + e, e);
      } finally {
        if (!done) {
          events.close(id);
          removeQuietly(directory);
        }
      }
    } finally {
      control.unlock();
    }
  }

  StorageRequest storageRequest(UUID id) {
    return new StorageRequest(
        id,
        state.snapshot(id).resolve("storage.state"),
        () -> parameters.value(Parameter.DIFF_STORAGE_MINIMUM),
        events);
  }

  void remember(HeldSnapshot snapshot) {
    assertControlled();
    Map<UUID, HeldSnapshot> next = new LinkedHashMap<>(snapshots);
    next.put(snapshot.id(), snapshot);
    snapshots = next;
  }

  void forget(HeldSnapshot snapshot) {
    assertControlled();
    Map<UUID, HeldSnapshot> next = new LinkedHashMap<>(snapshots);
    next.remove(snapshot.id());
    snapshots = next;
    removeQuietly(snapshot.directory());
  }

  static void removeQuietly(Path directory) {
    try {
      StateDirectory.removeTree(directory);
    } catch (IOException e) {
      LOG.warn("{} was not removed: {}", directory, e.toString());
    }
  }

  /** A diff area for one device of a snapshot. */
  DiffArea makeArea(
      ChunkEngine chunks,
      HeldSnapshot snapshot,
      FilteredDevice device,
      HeldArea held,
      BlockSizeRule rule)
      throws BlksnapException {
    Path directory = snapshot.areaDirectory(device.name());
    try {
      StateDirectory.removeTree(directory);
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO, "snapshot " + snapshot.id() + ": " + directory + " was not made: " + e, e);
    }
    return chunks.create(areaRequest(snapshot, device, held, rule));
  }

  DiffAreaRequest areaRequest(
      HeldSnapshot snapshot, FilteredDevice device, HeldArea held, BlockSizeRule rule) {
    return new DiffAreaRequest(
        snapshot.id(),
        device.name(),
        snapshot.areaDirectory(device.name()),
        held.geometry().capacity(),
        rule,
        held.geometry().minimumIo(),
        snapshot.storageRoom(),
        device::readLive,
        () -> (int) parameters.value(Parameter.CHUNK_MAXIMUM_IN_QUEUE),
        () -> (int) parameters.value(Parameter.FREE_DIFF_BUFFER_POOL_SIZE),
        (error, detail) -> corrupted(snapshot, device, held, error, detail));
  }

  /**
   * The conductor itself gives an image up, while writes are held: the area, where there is one,
   * and the record know it before the gate opens, so that no restart trusts the image.
   */
  void lose(HeldSnapshot snapshot, ImageView view, Errno error, String detail) {
    assertControlled();
    DiffArea area = view.held().area();
    if (area != null) {
      area.corrupt(error, detail);
    }
    corrupted(snapshot, view.liveDevice(), view.held(), error, detail);
    try {
      snapshot.keepError(view.device(), view.held().error(), view.held().detail());
    } catch (BlksnapException e) {
      LOG.error("{}", e.toString());
    }
  }

  /**
   * Told by the chunk engine, from any thread and with whatever it holds: says it once, and writes
   * it down later.
   */
  void corrupted(
      HeldSnapshot snapshot, FilteredDevice device, HeldArea held, Errno error, String detail) {
    if (!held.lose(error, detail)) {
      return;
    }
    LOG.error(
        "snapshot {}: image {} is corrupted: {} [{}]; the live device goes on",
        snapshot.id(),
        held.image(),
        detail,
        error);
    events.offer(
        new BlksnapEvent.Corrupted(
            System.nanoTime(),
            snapshot.id(),
            device.name(),
            device.major(),
            device.minor(),
            error,
            detail));
    housekeeper.later(() -> snapshot.keepError(device.name(), error, detail));
  }

  @Override
  public List<UUID> collect() {
    return List.copyOf(snapshots.keySet());
  }

  @Override
  public List<Snapshot> snapshots() {
    return List.copyOf(snapshots.values());
  }

  Collection<HeldSnapshot> heldSnapshots() {
    return snapshots.values();
  }

  @Override
  public Snapshot snapshot(UUID id) throws BlksnapException {
    HeldSnapshot snapshot = snapshots.get(id);
    if (snapshot == null) {
      throw new BlksnapException(
          Errno.ESRCH, "no snapshot " + id + "; there are " + snapshots.keySet());
    }
    return snapshot;
  }

  @Override
  public void destroy(UUID id) throws BlksnapException {
    HeldSnapshot snapshot = snapshots.get(id);
    if (snapshot == null) {
      throw new BlksnapException(
          Errno.ENODEV, "no snapshot " + id + "; there are " + snapshots.keySet());
    }
    snapshot.destroy();
  }

  @Override
  public List<SnapshotImage> images() {
    List<SnapshotImage> images = new ArrayList<>();
    snapshots.values().forEach(snapshot -> images.addAll(snapshot.images()));
    return images;
  }

  @Override
  public Optional<SnapshotImage> image(String name) {
    return images().stream().filter(image -> image.name().equals(name)).findFirst();
  }

  /**
   * True where the gate was closed here; false where a swap keeps it closed already, or it did not
   * become quiet.
   */
  boolean closeGate(FilteredDevice device) {
    assertControlled();
    if (swap.isSuspended(device)) {
      return false;
    }
    try {
      device.gateOfRequests().close(settings.gateTimeout());
      return true;
    } catch (BlksnapException e) {
      LOG.warn("{}", e.getMessage());
      return false;
    }
  }

  void openGate(FilteredDevice device) {
    device.gateOfRequests().open();
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
    return settings;
  }

  ParameterSet parameters() {
    return parameters;
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
    control.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      housekeeper.close();
      Map<FilteredDevice, Boolean> gates = new LinkedHashMap<>();
      for (FilteredDevice device : devices.values()) {
        gates.put(device, attachments.quietForStop(device));
      }
      for (HeldSnapshot snapshot : snapshots.values()) {
        snapshot.closeForStop();
      }
      gates.forEach(attachments::closeForStop);
      LOG.info(
          "blksnap stopped: {} devices closed, {} snapshots kept in {}",
          devices.size(),
          snapshots.size(),
          state.root());
    } finally {
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

  /** When this engine was made; generations begun later were begun by it. */
  Instant startedAt() {
    return startedAt;
  }
}
