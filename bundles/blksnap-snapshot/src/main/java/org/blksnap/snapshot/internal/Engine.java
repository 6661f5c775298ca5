// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Capability;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.Version;
import org.blksnap.enginebase.Participants;
import org.blksnap.enginebase.WholeSnapshot;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.enginebase.record.StateRoot;
import org.blksnap.enginebase.thread.DaemonThreads;
import org.blksnap.linux.proc.BootId;
import org.blksnap.snapshot.internal.control.Attachments;
import org.blksnap.snapshot.internal.control.CapacityWatch;
import org.blksnap.snapshot.internal.control.ChangeMaps;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.Destruction;
import org.blksnap.snapshot.internal.control.DeviceClosing;
import org.blksnap.snapshot.internal.control.DeviceGates;
import org.blksnap.snapshot.internal.control.DeviceKeeper;
import org.blksnap.snapshot.internal.control.DiffAreas;
import org.blksnap.snapshot.internal.control.EngineParameters;
import org.blksnap.snapshot.internal.control.EngineSettings;
import org.blksnap.snapshot.internal.control.Generations;
import org.blksnap.snapshot.internal.control.HeldSnapshot;
import org.blksnap.snapshot.internal.control.ImageLinks;
import org.blksnap.snapshot.internal.control.NeededPlaces;
import org.blksnap.snapshot.internal.control.Readiness;
import org.blksnap.snapshot.internal.control.Room;
import org.blksnap.snapshot.internal.control.SnapshotCreation;
import org.blksnap.snapshot.internal.control.SnapshotHandle;
import org.blksnap.snapshot.internal.control.SnapshotList;
import org.blksnap.snapshot.internal.control.Taking;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.record.HotState;
import org.blksnap.snapshot.internal.swap.Departure;
import org.blksnap.snapshot.internal.swap.HotSwap;
import org.blksnap.snapshot.internal.swap.Restoration;
import org.blksnap.spi.event.EventProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The userspace engine: its parts put together, and the calls of users handed to them. It lets the
 * rooms (device, tracker, chunk, storage) work together without knowing each other. Every changing
 * call runs under the one lock of {@link Desk}.
 */
public final class Engine implements SnapshotService, Closeable {
  /** Value of its service property, and what its events name. */
  static final String NAME = "userspace";

  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  private final Desk desk;
  private final Participants participants;
  private final Readiness readiness;
  private final SnapshotList snapshots;
  private final NeededPlaces neededPlaces;
  private final Attachments attachments;
  private final ChangeMaps changeMaps;
  private final SnapshotCreation creation;
  private final HotSwap swap;
  private final Taking taking;
  private final Destruction destruction;
  private final Restoration restoration;
  private final Ending ending;
  private final CapacityWatch watch;

  /**
   * {@code hotChoice} is {@code hot_state_directory}; {@code ownerRuns} tells whether the bundle of
   * a symbolic name is running.
   */
  public Engine(
      Path stateDirectory,
      String hotChoice,
      EngineParameters parameters,
      Predicate<String> ownerRuns,
      Supplier<EngineSettings> settings,
      Supplier<List<SnapshotParticipant>> registeredParticipants)
      throws BlksnapException {
    StateDirectory state = StateDirectory.open(stateDirectory);
    UUID id = new StateRoot(stateDirectory, true, null).check();
    String bootId = BootId.current();
    HotState hot = HotState.open(stateDirectory, id, hotChoice, bootId, StateRoot::idOf);
    desk = new Desk(NAME, state, hot, bootId, parameters, ownerRuns, settings);
    participants =
        new Participants(registeredParticipants, DaemonThreads.named("blksnap-participant"));
    readiness = new Readiness(desk);
    snapshots = new SnapshotList(desk::assertControlled, this::handle);
    neededPlaces = new NeededPlaces(desk, snapshots);
    Generations generations = new Generations(desk.events());
    DeviceGates gates = new DeviceGates(desk);
    DiffAreas areas = new DiffAreas(desk, snapshots);
    changeMaps = new ChangeMaps(desk, generations);
    taking = new Taking(desk, readiness, participants, neededPlaces, areas, generations);
    destruction = new Destruction(desk, readiness, snapshots, gates);
    ImageLinks links = new ImageLinks(desk, areas, gates);
    DeviceClosing closing = new DeviceClosing(desk, gates, changeMaps);
    DeviceKeeper keeper =
        new DeviceKeeper(desk, readiness, snapshots, gates, changeMaps, generations);
    attachments =
        new Attachments(desk, snapshots, changeMaps, links, neededPlaces, closing, keeper);
    creation = new SnapshotCreation(desk, snapshots);
    swap = new HotSwap(desk, snapshots, gates, changeMaps, generations, areas);
    restoration = new Restoration(desk, snapshots, attachments, links);
    ending = new Ending(desk, readiness, new Departure(desk, snapshots, gates, closing));
    watch = new CapacityWatch(desk);
  }

  private Snapshot handle(HeldSnapshot snapshot) {
    return new SnapshotHandle(desk, readiness, snapshot, taking, destruction);
  }

  /**
   * A provider has come. The engine restores what it knew as soon as all four are there. Answers
   * whether they are.
   */
  public boolean provide(Room room, Object provider) {
    desk.control().lock();
    try {
      if (readiness.isClosed()) {
        return false;
      }
      swap.provide(room, provider);
      readiness.roomCame();
      return readiness.isOpen() || (desk.providers().complete() && restore());
    } finally {
      desk.control().unlock();
    }
  }

  private boolean restore() {
    try {
      restoration.run();
    } catch (IOException | UncheckedIOException e) {
      LOG.error(
          "nothing is attached, for the state directory {} was not read: {}; mend it, then"
              + " bundle:restart org.blksnap.snapshot",
          desk.state().root(),
          e.toString());
      return false;
    }
    readiness.open();
    desk.devices().all().forEach(desk::guard);
    desk.settleMaps(false);
    watch.start();
    LOG.info(
        "blksnap {} ready: {} devices, {} snapshots, state in {}; parameters {}",
        version(),
        desk.devices().all().size(),
        snapshots.ids().size(),
        desk.state().root(),
        desk.parameters());
    return true;
  }

  /** A provider goes; ignored where another one has taken its place already. */
  public void withdraw(Room room, Object provider) {
    desk.control().lock();
    try {
      if (!readiness.isClosed()) {
        swap.withdraw(room, provider);
      }
    } finally {
      desk.control().unlock();
    }
  }

  public void provideEvents(EventProvider provider) {
    desk.events().provide(provider);
  }

  void withdrawEvents(EventProvider provider) {
    desk.events().withdraw(provider);
  }

  @Override
  public String engine() {
    return NAME;
  }

  /** It is what the others are measured by. */
  @Override
  public Set<Capability> capabilities() {
    return Set.of(Capability.values());
  }

  @Override
  public Version version() {
    return Version.INTERFACE;
  }

  @Override
  public AttachedDevice attach(AttachRequest request) throws BlksnapException {
    desk.control().lock();
    try {
      readiness.awaitRooms(request);
      FilteredDevice device = attachments.attach(request);
      desk.guard(device);
      return device;
    } finally {
      desk.control().unlock();
    }
  }

  @Override
  public void detach(String name) throws BlksnapException {
    desk.control().lock();
    try {
      readiness.check();
      attachments.detach(desk.devices().require(name));
    } finally {
      desk.control().unlock();
    }
  }

  @Override
  public List<AttachedDevice> devices() {
    return List.copyOf(desk.devices().all());
  }

  @Override
  public Optional<AttachedDevice> device(String nameOrPath) {
    return Optional.ofNullable(desk.devices().find(nameOrPath));
  }

  @Override
  public Snapshot create(SnapshotRequest request) throws BlksnapException {
    return WholeSnapshot.created(this::empty, request);
  }

  @Override
  public SnapshotLease take(SnapshotRequest request) throws BlksnapException {
    return WholeSnapshot.taken(this::empty, request);
  }

  private Snapshot empty(SnapshotRequest request) throws BlksnapException {
    desk.control().lock();
    try {
      readiness.check();
      return creation.create(request.owner(), request.label());
    } finally {
      desk.control().unlock();
    }
  }

  @Override
  public List<UUID> collect() {
    return snapshots.ids();
  }

  @Override
  public List<Snapshot> snapshots() {
    return snapshots.handles();
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
    snapshots.handles().forEach(snapshot -> images.addAll(snapshot.images()));
    return images;
  }

  @Override
  public Optional<SnapshotImage> image(String name) {
    return images().stream().filter(image -> image.name().equals(name)).findFirst();
  }

  /** What the doctor is told by the engine alone. */
  EngineExamination examination() {
    return new EngineExamination(desk, neededPlaces, participants);
  }

  /** For tests, which look into the engine or kill it. */
  public Desk desk() {
    return desk;
  }

  /** For tests, which take whatever would be frozen. */
  public NeededPlaces neededPlaces() {
    return neededPlaces;
  }

  /** For tests, which lose a tracker. */
  public ChangeMaps changeMaps() {
    return changeMaps;
  }

  /**
   * Clean stop: no new calls, areas handed over to their files, maps closed with the devices'
   * fingerprints. Idempotent.
   */
  @Override
  public void close() {
    ending.forGood();
  }

  /** Before {@link #leaveToSuccessor}, while requests go on: what can be flushed is flushed. */
  public void prepareToLeave() {
    ending.prepare();
  }

  /**
   * Ends as {@link #close} does, but for a successor in a moment, while clients wait: what lies in
   * the kernel's memory stays there. Idempotent.
   */
  public void leaveToSuccessor() {
    ending.toSuccessor();
  }
}
