// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.enginebase.EventRelay;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.record.HotState;
import org.blksnap.snapshot.internal.record.LeftDevices;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.storage.StorageRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all parts of the control need, and nothing that needs one of them: the control lock, the
 * rooms' providers, the attached devices, settings, records and events. A part that needs another
 * part is given it by name, so that who needs whom is seen where the parts are put together.
 *
 * <p>One lock, {@link #control}, makes all changing calls run one after another: attach, detach,
 * take, destroy, resize, swap. It is never held by data requests; those meet the gates of their
 * devices alone. Lock order: control, then gates in the order of device names, then whatever a room
 * locks inside. Nothing that holds a gate takes the control lock.
 */
public final class Desk {
  private static final Logger LOG = LoggerFactory.getLogger(Desk.class);

  private final ReentrantLock control = new ReentrantLock(true);
  private final Providers providers = new Providers();
  private final DeviceList devices = new DeviceList(this::assertControlled);
  private final EventRelay events;
  private final Housekeeper housekeeper = new Housekeeper();
  private final StateDirectory state;
  private final HotState hot;
  private final String bootId;
  private final EngineParameters parameters;
  private final Predicate<String> ownerRuns;
  private final Supplier<EngineSettings> settings;
  private final LeftDevices left;
  private final Guardian guardian;

  /** {@code engine} is what the engine's events name. */
  public Desk(
      String engine,
      StateDirectory state,
      HotState hot,
      String bootId,
      EngineParameters parameters,
      Predicate<String> ownerRuns,
      Supplier<EngineSettings> settings) {
    this.events = new EventRelay(engine);
    this.state = state;
    this.hot = hot;
    this.bootId = bootId;
    this.parameters = parameters;
    this.ownerRuns = ownerRuns;
    this.settings = settings;
    this.left = new LeftDevices(state.root(), bootId);
    this.guardian = new Guardian(state.root(), bootId);
  }

  public ReentrantLock control() {
    return control;
  }

  /** For the parts whose state the control lock guards. */
  public void assertControlled() {
    if (!control.isHeldByCurrentThread()) {
      throw new IllegalStateException("the engine's control lock is not held");
    }
  }

  public Providers providers() {
    return providers;
  }

  public DeviceList devices() {
    return devices;
  }

  public EventRelay events() {
    return events;
  }

  public Housekeeper housekeeper() {
    return housekeeper;
  }

  public StateDirectory state() {
    return state;
  }

  public HotState hot() {
    return hot;
  }

  public String bootId() {
    return bootId;
  }

  public LeftDevices leftDevices() {
    assertControlled();
    return left;
  }

  public Guardian guardian() {
    return guardian;
  }

  /** The times in force now. */
  public EngineSettings settings() {
    return settings.get();
  }

  public EngineParameters parameters() {
    return parameters;
  }

  /** Whether the bundle of this symbolic name, whose a snapshot is, is running. */
  boolean runs(String owner) {
    return ownerRuns.test(owner);
  }

  /** How large tracking blocks are, as the parameters in force say. */
  BlockSizeRule trackingRule() {
    return parameters.trackingRule();
  }

  /** How large chunks are, as the parameters in force say. */
  BlockSizeRule chunkRule() {
    return parameters.chunkRule();
  }

  /** What the storage of a snapshot is made or found with. */
  public StorageRequest storageRequest(UUID snapshot) {
    Path records = hot.of(state.snapshot(snapshot));
    return new StorageRequest(
        snapshot,
        records.resolve("storage.state"),
        () -> parameters.value(Parameter.DIFF_STORAGE_MINIMUM),
        bytes ->
            events.offer(
                new BlksnapEvent.LowFreeSpace(Instant.now(), events.engine(), snapshot, bytes)));
  }

  /** Nothing of the snapshot is left in memory or on disk. */
  public void removeRecords(Path snapshot) {
    hot.drop(snapshot);
    StateDirectory.removeQuietly(snapshot);
  }

  /** Its map and its images have been judged, and the verdict is in their files. */
  public void guard(FilteredDevice device) {
    RawDevice raw = device.raw();
    if (raw != null) {
      guardian.watch(device.name(), raw);
    }
  }

  /** Maps of devices that are not attached go to disk; at the stop all do. */
  public void settleMaps(boolean stopping) {
    assertControlled();
    try {
      hot.settleDevices(state.devices(), stopping);
    } catch (IOException e) {
      LOG.warn("change maps stay in memory: {}", e.toString());
    }
  }
}
