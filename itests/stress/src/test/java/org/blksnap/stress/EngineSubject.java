// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.handover.HandoverShelf;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.chunk.internal.ChunkEngineComponent;
import org.blksnap.control.internal.parameter.ParameterSet;
import org.blksnap.device.internal.LocalDeviceProvider;
import org.blksnap.diffstorage.internal.DiffStorageProvider;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.event.internal.DispatchingEventProvider;
import org.blksnap.snapshot.internal.Engine;
import org.blksnap.snapshot.internal.control.EngineParameters;
import org.blksnap.snapshot.internal.control.EngineSettings;
import org.blksnap.snapshot.internal.control.Room;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.testkit.CallPlan;
import org.blksnap.testkit.Intercept;
import org.blksnap.testkit.Subject;
import org.blksnap.tracker.internal.MappedTrackerProvider;

/**
 * The userspace engine without a framework, with a {@link CallPlan} before each of its rooms.
 *
 * <p>Killing it leaves the old engine standing as it is: its storage calls stand still, its timers
 * are stopped, its files are closed so that the next one may have them; nothing is flushed, handed
 * over or closed in order. Only what lies in files is there afterwards.
 */
public final class EngineSubject implements Subject {
  private static final long DEADLINE_NANOS = 30_000_000_000L;

  private final Path root;
  private final List<SnapshotParticipant> participants = new CopyOnWriteArrayList<>();
  private EngineSettings settings = EngineSettings.DEFAULTS;
  private final String hot;
  private final ParameterSet parameters = ParameterSet.unkept();
  private final List<CallPlan> killed = new ArrayList<>();
  private final List<DiffArea> abandoned = new ArrayList<>();
  private int restarts;
  private CallPlan plan;
  private Engine engine;
  private DispatchingEventProvider events;
  private DeviceProvider devices;
  private DiffStorageProvider storages;
  private HandoverShelf shelf;

  public EngineSubject(Path root) throws IOException {
    this(root, "none");
  }

  /** Its mapped state lies beside the state directory, as in memory. */
  public static EngineSubject withHotState(Path root) throws IOException {
    return new EngineSubject(root, root.resolve("memory").toString());
  }

  private EngineSubject(Path root, String hot) throws IOException {
    this.root = root;
    this.hot = hot;
    Files.createDirectories(directory());
    start();
  }

  /** The one that works now. */
  Engine engine() {
    return engine;
  }

  private void start() throws BlksnapException {
    plan = new CallPlan();
    events = new DispatchingEventProvider();
    engine =
        new Engine(
            root.resolve("state"),
            hot,
            new EngineParameters(parameters::values),
            owner -> true,
            () -> settings,
            () -> participants);
    engine.provideEvents(events);
    devices = Intercept.device(new LocalDeviceProvider(), plan);
    engine.provide(Room.DEVICE, devices);
    engine.provide(Room.TRACKER, Intercept.tracker(new MappedTrackerProvider(), plan));
    engine.provide(Room.CHUNK, Intercept.chunk(new ChunkEngineComponent(), plan));
    engine.provide(Room.STORAGE, Intercept.storage(storages(), plan));
  }

  private DiffStorageProvider storages() {
    storages = new DiffStorageProvider();
    if (shelf != null) {
      storages.bindShelf(shelf);
    }
    return storages;
  }

  /** From now on memory storage has a shelf to wait on. */
  public void shelf(HandoverShelf present) {
    shelf = present;
    storages.bindShelf(present);
  }

  /** Who is asked before takes. */
  public List<SnapshotParticipant> participants() {
    return participants;
  }

  /** How long a take, a swap and a stop wait for requests, and I/O for a room's successor. */
  public void waits(Duration gate, Duration handover) {
    EngineSettings usual = EngineSettings.DEFAULTS;
    settings = new EngineSettings(handover, gate, usual.freezeDeadline(), usual.watchInterval());
  }

  /** What becomes of the calls to the rooms of the engine as it is now. */
  public CallPlan plan() {
    return plan;
  }

  @Override
  public SnapshotService service() {
    return engine;
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  /** What lies in memory, where there is hot state. */
  public Path memory() {
    return Path.of(hot);
  }

  /** Nothing is left in the directory. */
  public static void empty(Path directory) throws IOException {
    StateDirectory.removeTree(directory);
  }

  /** Where the engine keeps its records. */
  public Path state() {
    return root.resolve("state");
  }

  /** As where a room's bundle is stopped: DEVICE, TRACKER, CHUNK or STORAGE. */
  public void takeAway(String room) {
    Room which = Room.valueOf(room);
    engine.withdraw(which, engine.desk().providers().get(which));
  }

  /** As where its bundle is started again: a provider that has seen nothing. */
  public void bringBack(String room) {
    switch (Room.valueOf(room)) {
      case DEVICE -> engine.provide(Room.DEVICE, Intercept.device(new LocalDeviceProvider(), plan));
      case TRACKER -> {
        engine.provide(Room.TRACKER, Intercept.tracker(new MappedTrackerProvider(), plan));
      }
      case CHUNK -> engine.provide(Room.CHUNK, Intercept.chunk(new ChunkEngineComponent(), plan));
      case STORAGE -> engine.provide(Room.STORAGE, Intercept.storage(storages(), plan));
    }
  }

  /** As where the tracker's bundle was away for too long. */
  public void loseTracker(String device) {
    ReentrantLock control = engine.desk().control();
    control.lock();
    try {
      engine.changeMaps().markLost((FilteredDevice) engine.device(device).orElseThrow());
    } finally {
      control.unlock();
    }
  }

  /** As an update of the device's bundle does it; the steps are done while none is there. */
  public void swapDevices(WhileDown meanwhile) throws Exception {
    engine.withdraw(Room.DEVICE, devices);
    meanwhile.run();
    devices = Intercept.device(new LocalDeviceProvider(), plan);
    engine.provide(Room.DEVICE, devices);
  }

  /** Killed while the device's bundle is away, after the steps. */
  public void killedDuringSwapOfDevices(WhileDown steps) throws Exception {
    engine.withdraw(Room.DEVICE, devices);
    steps.run();
    restartAsKilled();
  }

  @Override
  public Path directory() {
    return root.resolve("files");
  }

  /** By turns for good and to a successor: both have to keep the same. */
  @Override
  public void restart(WhileDown meanwhile) throws Exception {
    if (restarts++ % 2 == 0) {
      stop();
      meanwhile.run();
      start();
    } else {
      engine.prepareToLeave();
      restartToSuccessor(meanwhile);
    }
  }

  /** As an update of the conductor's bundle does it. */
  public void restartToSuccessor(WhileDown meanwhile) throws Exception {
    engine.leaveToSuccessor();
    stop();
    meanwhile.run();
    start();
  }

  /** For good, where the engine is not gone already. */
  private void stop() {
    engine.close();
    events.close();
  }

  @Override
  public void restartAsKilled() throws Exception {
    restartAsKilled(() -> {});
  }

  /** The steps are done while no engine runs. */
  public void restartAsKilled(WhileDown meanwhile) throws Exception {
    plan.freeze("DiffStorage.");
    killed.add(plan);
    awaitStandstill();
    engine.desk().housekeeper().close();
    for (FilteredDevice device : engine.desk().devices().all()) {
      if (device.raw() != null) {
        device.raw().close();
      }
      if (device.held() != null && device.held().area() != null) {
        abandoned.add(device.held().area());
      }
    }
    engine.desk().guardian().abandon();
    engine.desk().state().close();
    events.close();
    meanwhile.run();
    start();
  }

  /**
   * Kills it after the steps, at a moment when nothing they led to has been written down by the
   * housekeeper: its chores wait for the lock held here.
   */
  public void restartAsKilledRightAfter(WhileDown steps) throws Exception {
    ReentrantLock control = engine.desk().control();
    control.lock();
    try {
      steps.run();
      restartAsKilled();
    } finally {
      control.unlock();
    }
  }

  /**
   * Store workers are the only ones at work when no request is under way. One with something to
   * store stands still when it gives it to the storage; one with nothing sleeps.
   */
  private void awaitStandstill() throws IOException, InterruptedException {
    long end = System.nanoTime() + DEADLINE_NANOS;
    while (busyAreas() > plan.standing()) {
      if (System.nanoTime() > end) {
        throw new AssertionError(busyAreas() + " busy, " + plan.standing() + " stand still");
      }
      Thread.sleep(1);
    }
  }

  private int busyAreas() throws IOException {
    int busy = 0;
    for (Snapshot snapshot : engine.snapshots()) {
      for (ImageInfo info : snapshot.info()) {
        busy +=
            info.chunks().map(c -> c.queuedChunks()).orElse(0) > 0 && info.error() == Errno.OK
                ? 1
                : 0;
      }
    }
    return busy;
  }

  @Override
  public void close() throws IOException {
    stop();
    killed.forEach(CallPlan::thaw);
    StateDirectory.removeTree(root);
    abandoned.forEach(EngineSubject::bury);
  }

  /** Ends the store worker of a killed engine, now that its files are nobody's any more. */
  private static void bury(DiffArea area) {
    try {
      area.close();
    } catch (InternalError e) {
      System.out.println("a killed engine's area: " + e);
    }
  }
}
