// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Capability;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.Version;
import org.blksnap.enginebase.EventRelay;
import org.blksnap.enginebase.Participants;
import org.blksnap.enginebase.WholeSnapshot;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.enginebase.thread.DaemonThreads;
import org.blksnap.kernel.internal.device.Attachments;
import org.blksnap.kernel.internal.device.DeviceBook;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.record.LastProcess;
import org.blksnap.kernel.internal.snapshot.Desk;
import org.blksnap.kernel.internal.snapshot.Destruction;
import org.blksnap.kernel.internal.snapshot.Leftovers;
import org.blksnap.kernel.internal.snapshot.SnapshotBook;
import org.blksnap.kernel.internal.snapshot.Snapshots;
import org.blksnap.kernel.internal.snapshot.Taking;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine over one life of a loaded kernel module. Filters, images, maps and storage are in the
 * kernel and stay there when it stops; its records are in the directory {@code kernel} of the state
 * directory, and its successor begins with both.
 *
 * <p>States: working → stopped (ESHUTDOWN for all who change something). Another life of the module
 * is another engine. The control lock is described at {@link Desk}.
 */
public final class KernelEngine implements SnapshotService {
  /** Its name. */
  public static final String NAME = "kernel";

  private static final Logger LOG = LoggerFactory.getLogger(KernelEngine.class);
  private static final String DIRECTORY = "kernel";

  private static final Set<Capability> CAPABILITIES =
      Set.copyOf(
          EnumSet.of(
              Capability.MAP_RESTART,
              Capability.GENERATION_REASONS,
              Capability.PERSISTENT,
              Capability.PARTICIPANTS,
              Capability.STORAGE_DIRECTORY));

  private final ReentrantLock control = new ReentrantLock(true);
  private final PresentModule module;
  private final StateDirectory state;
  private final EventRelay events;
  private final Participants participants;
  private final DeviceBook devices = new DeviceBook();
  private final SnapshotBook book = new SnapshotBook();
  private final Leftovers leftovers = new Leftovers();
  private final Attachments attachments;
  private final Desk desk;
  private final Snapshots snapshots;

  @GuardedBy("control")
  private boolean closed;

  /** Begins with what the records and the kernel have. EBUSY: another engine works there. */
  public KernelEngine(EngineGround ground) throws BlksnapException {
    this.module = ground.module();
    this.state = StateDirectory.open(ground.stateDirectory().resolve(DIRECTORY));
    this.events = new EventRelay(NAME);
    this.participants =
        new Participants(ground.participants(), DaemonThreads.named("blksnap-kernel-participant"));
    this.desk =
        new Desk(
            control,
            module,
            ground.disks(),
            ground.providers(),
            state,
            devices,
            events,
            ground.runs());
    StorageRoom room = new StorageRoom(ground, devices);
    this.attachments =
        new Attachments(
            module,
            ground.disks(),
            ground.providers(),
            state,
            devices,
            events,
            room.claims(),
            this::restart);
    this.snapshots =
        new Snapshots(
            desk,
            book,
            new Taking(desk, participants),
            new Destruction(desk, book, leftovers),
            leftovers,
            room);
    boolean done = false;
    try {
      restore();
      done = true;
    } finally {
      if (!done) {
        leave();
      }
    }
  }

  private void restore() throws BlksnapException {
    control.lock();
    try {
      boolean update = LastProcess.isThis(state.root());
      Set<String> held = snapshots.namesOnRecord();
      attachments.restore(record -> update || record.persistent() || held.contains(record.name()));
      snapshots.restore();
      LastProcess.keep(state.root());
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "the kernel engine did not begin: " + e, e);
    } finally {
      control.unlock();
    }
  }

  /** Events for listeners. */
  EventRelay events() {
    return events;
  }

  /** Storage that is not as it should be, a sentence each. */
  List<String> storageTroubles() {
    return Stream.concat(leftovers.sentences().stream(), book.unheld().stream()).toList();
  }

  Participants participants() {
    return participants;
  }

  DeviceBook deviceBook() {
    return devices;
  }

  PresentModule module() {
    return module;
  }

  Path stateRoot() {
    return state.root();
  }

  /** The bridge, or what opens devices, goes or has come. */
  void renew() {
    book.renew();
  }

  /** Nothing in the kernel is ours, and nobody is about to change that. */
  boolean isIdle() {
    return devices.all().isEmpty() && book.isEmpty() && !control.isLocked();
  }

  /**
   * About each second: devices that nobody reads are let go of, and those that come are attached.
   */
  public void tick() {
    if (control.tryLock()) {
      try {
        for (LiveDevice device : attachments.attachAwaited()) {
          linked(device);
        }
        snapshots.tick();
      } catch (BlksnapException e) {
        LOG.warn("an image did not come back: {}", e.toString());
      } finally {
        control.unlock();
      }
    }
    devices.all().forEach(LiveDevice::tick);
    book.tick();
  }

  @Override
  public String engine() {
    return NAME;
  }

  @Override
  public Set<Capability> capabilities() {
    return CAPABILITIES;
  }

  @Override
  public Version version() {
    return Version.INTERFACE;
  }

  /** Something done under the control lock. */
  private interface Work<T> {
    T done() throws BlksnapException;
  }

  private <T> T controlled(Work<T> work) throws BlksnapException {
    control.lock();
    try {
      desk.checkRunning();
      return work.done();
    } finally {
      control.unlock();
    }
  }

  /** A device that could not be attached at the start has its image back. */
  private LiveDevice linked(LiveDevice device) throws BlksnapException {
    snapshots.relink(device);
    return device;
  }

  @Override
  public AttachedDevice attach(AttachRequest request) throws BlksnapException {
    return controlled(() -> linked(attachments.attach(request)));
  }

  @Override
  public AttachedDevice attachOrGet(AttachRequest request) throws BlksnapException {
    return controlled(() -> linked(attachments.attachOrGet(request)));
  }

  @Override
  public void detach(String device) throws BlksnapException {
    controlled(
        () -> {
          attachments.detach(devices.require(device));
          return null;
        });
  }

  private CbtInfo restart(LiveDevice device) throws BlksnapException {
    return controlled(() -> attachments.restart(device));
  }

  @Override
  public List<AttachedDevice> devices() {
    return List.copyOf(devices.all());
  }

  @Override
  public Optional<AttachedDevice> device(String nameOrPath) {
    return devices.find(nameOrPath).map(device -> device);
  }

  private Snapshot make(SnapshotRequest request) throws BlksnapException {
    return controlled(() -> snapshots.create(request));
  }

  @Override
  public Snapshot create(SnapshotRequest request) throws BlksnapException {
    return WholeSnapshot.created(this::make, request);
  }

  @Override
  public SnapshotLease take(SnapshotRequest request) throws BlksnapException {
    return WholeSnapshot.taken(this::make, request);
  }

  @Override
  public List<UUID> collect() {
    return snapshots.ids();
  }

  @Override
  public List<Snapshot> snapshots() {
    return snapshots.all();
  }

  @Override
  public Snapshot snapshot(UUID id) throws BlksnapException {
    return snapshots.find(id);
  }

  @Override
  public void destroy(UUID id) throws BlksnapException {
    desk.checkRunning();
    snapshots.destroy(id);
  }

  @Override
  public List<SnapshotImage> images() {
    return snapshots.images();
  }

  @Override
  public Optional<SnapshotImage> image(String name) {
    return images().stream().filter(image -> image.name().equals(name)).findFirst();
  }

  /** Nothing in the kernel ends. {@code why} is a part of a sentence. Idempotent. */
  public void close(String why) {
    // Before the lock: a call that waits for a bridge holds it.
    module.end(why);
    book.renew();
    control.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      leave();
    } finally {
      control.unlock();
    }
  }

  private void leave() {
    try (state) {
      snapshots.leave();
      attachments.leave();
    } catch (IOException e) {
      LOG.warn("{} was not let go of cleanly: {}", state.root(), e.toString());
    }
  }
}
