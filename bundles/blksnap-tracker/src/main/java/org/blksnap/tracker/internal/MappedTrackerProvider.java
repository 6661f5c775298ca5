// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerProvider;
import org.blksnap.spi.tracker.TrackerRequest;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trackers whose maps are mapped files. Holds nothing but the heartbeat; trackers it opened go on
 * working when it is closed, until they are handed over.
 */
@Component(service = TrackerProvider.class)
public final class MappedTrackerProvider implements TrackerProvider, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MappedTrackerProvider.class);

  private final LongSupplier clock;
  private final LongSupplier bootMillis;
  private final Heartbeat heartbeat;

  @Activate
  public MappedTrackerProvider() {
    this(System::currentTimeMillis, MappedTrackerProvider::hostStarted);
  }

  /** Both answer milliseconds since the epoch: now, and when the host was started (0: unknown). */
  MappedTrackerProvider(LongSupplier clock, LongSupplier bootMillis) {
    this.clock = clock;
    this.bootMillis = bootMillis;
    heartbeat = new Heartbeat(clock);
  }

  private static long hostStarted() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/stat"))) {
        if (line.startsWith("btime ")) {
          return Long.parseLong(line.substring("btime ".length()).trim()) * 1000;
        }
      }
    } catch (IOException | NumberFormatException e) {
      LOG.debug("/proc/stat does not tell when the host was started", e);
    }
    return 0;
  }

  @Override
  public Tracker open(TrackerRequest request) throws BlksnapException {
    MapMaker maker = new MapMaker(request, clock);
    maker.discard();
    try {
      MapOpening.Verdict verdict = new MapOpening(request, bootMillis).judge();
      MapFile file = verdict.file();
      if (file == null) {
        file = maker.make(request.capacity(), verdict.reason(), verdict.detail());
        maker.publish();
        if (request.durable() || verdict.reason() != GenerationReason.FIRST_ATTACH) {
          maker.settle();
        }
        // The engine says it at INFO.
        LOG.debug(
            "change map of {}: new generation {}, because {} {}",
            request.device(),
            file.header().generation(),
            verdict.reason().text(),
            verdict.detail());
      } else {
        resume(file, verdict.active(), request);
      }
      DeviceTracker tracker = new DeviceTracker(request, maker, file, heartbeat::remove);
      heartbeat.add(tracker);
      return tracker;
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException | UncheckedIOException e) {
      throw maker.failure("cannot be opened", e);
    }
  }

  /**
   * The clean flag is gone from both slots, on disk, before the first mark: no later accident of
   * the disk brings it back.
   */
  private void resume(MapFile file, int active, TrackerRequest request) {
    file.beat(clock.getAsLong());
    if (request.durable()) {
      file.force(); // marks made without durable mode
    }
    if (request.adopt()) {
      file.update(header -> header.opened(active, request.durable(), request.bootId()));
      return;
    }
    file.updateForced(header -> header.opened(active, request.durable(), request.bootId()));
    file.updateForced(header -> header.opened(active, request.durable(), request.bootId()));
    LOG.info(
        "change map of {}: generation {} goes on with number {}",
        request.device(),
        file.header().generation(),
        active);
  }

  @Deactivate
  @Override
  public void close() {
    heartbeat.close();
  }
}
