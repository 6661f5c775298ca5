// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Geometry;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Tracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One take of one snapshot: one moment for all its devices.
 *
 * <ol>
 *   <li>Everything that may fail or takes time is made ready: diff areas, the trackers' next maps.
 *   <li>File systems are frozen, where there are any; a failure is a warning.
 *   <li>All gates are shut, in the order of the devices' names, so that two takes never wait for
 *       each other; then each is waited for until it is empty.
 *   <li>With all closed, every map is switched and every area armed. Nothing here can fail.
 *   <li>Gates open, file systems thaw.
 * </ol>
 *
 * A failure in 1 to 3 puts everything back. The exclusive control lock of the engine is held
 * throughout.
 */
final class Take {
  private static final Logger LOG = LoggerFactory.getLogger(Take.class);

  /** Makes the diff area of one device. */
  interface AreaMaker {
    DiffArea make(ChunkEngine chunks, FilteredDevice device, HeldArea held, BlockSizeRule rule)
        throws BlksnapException;
  }

  private final class Step {
    final FilteredDevice device;
    HeldArea held;
    Tracker.PreparedTake prepared;
    RawDevice.Thaw thaw;

    /** File systems frozen, and why not all were, null where they were. */
    int fileSystems;

    String notFrozen;
    boolean gateClosed;
    boolean switched;

    Step(FilteredDevice device) {
      this.device = device;
    }
  }

  private final EngineSettings settings;
  private final List<Step> steps = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private boolean committed;
  private long heldNanos;

  Take(EngineSettings settings, List<FilteredDevice> devices) {
    this.settings = settings;
    devices.stream()
        .sorted(Comparator.comparing(FilteredDevice::name))
        .forEach(device -> steps.add(new Step(device)));
  }

  /** Step 1. */
  void prepare(ChunkEngine chunks, BlockSizeRule rule, AreaMaker maker) throws BlksnapException {
    for (Step step : steps) {
      Geometry geometry = step.device.geometry().withReadOnly(false);
      HeldArea held = new HeldArea(step.device.imageName(), geometry);
      held.install(maker.make(chunks, step.device, held, rule));
      step.held = held;
      step.prepared = step.device.tracker().prepareTake(geometry.capacity());
    }
  }

  /** Steps 2 to 5. */
  void run(UUID snapshot) throws BlksnapException {
    try {
      freezeAll();
      long begun = System.nanoTime();
      closeAll();
      commit(snapshot);
      openAll();
      heldNanos = System.nanoTime() - begun;
    } finally {
      openAll();
      thawAll();
    }
  }

  /**
   * A commit fails only where a mapped page of a map's header is lost. What is held by then is let
   * go before the gates open: its area goes with this take.
   */
  private void commit(UUID snapshot) {
    try {
      for (Step step : steps) {
        step.prepared.commit();
        step.switched = true;
        step.device.hold(step.held);
        step.device.belongTo(snapshot);
      }
      committed = true;
    } finally {
      if (!committed) {
        steps.stream().filter(step -> step.switched).forEach(step -> step.device.hold(null));
      }
    }
  }

  private void freezeAll() {
    for (Step step : steps) {
      try {
        if (settings.freezeDeadline().isZero()) {
          if (!step.device.raw().mountPoints().isEmpty()) {
            step.notFrozen =
                "file systems of device "
                    + step.device.name()
                    + " were not frozen, as freeze_deadline_seconds is 0";
            warnings.add(step.notFrozen);
          }
          continue;
        }
        step.thaw = step.device.raw().freeze(settings.freezeDeadline());
        step.fileSystems = step.thaw.fileSystems();
      } catch (BlksnapException e) {
        step.notFrozen =
            "file systems of device " + step.device.name() + " were not frozen: " + e.getMessage();
        warnings.add(step.notFrozen);
      }
    }
  }

  private void thawAll() {
    for (Step step : steps) {
      if (step.thaw != null) {
        step.thaw.close();
        if (step.thaw.expired() && committed) {
          step.notFrozen =
              "file systems of device "
                  + step.device.name()
                  + " thawed before the take asked for it (freeze_deadline_seconds is "
                  + settings.freezeDeadline().toSeconds()
                  + "), so its image is crash-consistent";
          warnings.add(step.notFrozen);
        }
        step.thaw = null;
      }
    }
    if (heldNanos > settings.gateTimeout().toNanos()) {
      warnings.add(
          "writers were held for "
              + heldNanos / 1_000_000
              + " ms, longer than gate_timeout_milliseconds ("
              + settings.gateTimeout().toMillis()
              + ")");
    }
  }

  private void closeAll() throws BlksnapException {
    long deadline = System.nanoTime() + settings.gateTimeout().toNanos();
    for (Step step : steps) {
      step.device.gateOfRequests().shut(settings.gateTimeout());
      step.gateClosed = true;
    }
    for (Step step : steps) {
      step.device.gateOfRequests().awaitEmpty(deadline, settings.gateTimeout());
    }
  }

  private void openAll() {
    for (Step step : steps) {
      if (step.gateClosed) {
        step.gateClosed = false;
        step.device.gateOfRequests().open();
      }
    }
  }

  /** After a failure in prepare or run, before anything was committed. */
  void putBack() {
    if (committed) {
      return;
    }
    for (Step step : steps) {
      if (step.prepared != null && !step.switched) {
        abort(step);
      }
      if (step.held != null && step.held.area() != null) {
        delete(step);
      }
    }
    LOG.debug("take put back");
  }

  private static void delete(Step step) {
    try {
      step.held.area().delete();
    } catch (RuntimeException | Error e) {
      LOG.error("device {}: {}", step.device.name(), e.toString());
    }
  }

  private static void abort(Step step) {
    try {
      step.prepared.abort();
    } catch (RuntimeException | Error e) {
      LOG.error("device {}: {}", step.device.name(), e.toString());
    }
  }

  HeldArea heldOf(FilteredDevice device) {
    return steps.stream().filter(step -> step.device == device).findFirst().orElseThrow().held;
  }

  boolean committed() {
    return committed;
  }

  List<String> warnings() {
    return warnings;
  }

  /** Tells how still the file systems were. */
  void tell(Quiet quiet) {
    steps.forEach(step -> quiet.device(step.device.name(), step.fileSystems, step.notFrozen));
  }

  /** First gate closed to last gate open. */
  long heldNanos() {
    return heldNanos;
  }
}
