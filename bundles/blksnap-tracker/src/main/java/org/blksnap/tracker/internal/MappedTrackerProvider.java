// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerProvider;
import org.blksnap.spi.tracker.TrackerRequest;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trackers whose maps are mapped files. Holds nothing: trackers it opened go on working when its
 * bundle goes, until they are handed over.
 */
@Component(service = TrackerProvider.class)
public final class MappedTrackerProvider implements TrackerProvider {
  private static final Logger LOG = LoggerFactory.getLogger(MappedTrackerProvider.class);

  private final LongSupplier clock;

  @Activate
  public MappedTrackerProvider() {
    this(System::currentTimeMillis);
  }

  /**
   * The clock answers milliseconds since the epoch. What it says is shown to people as a
   * generation's begin, and decides nothing.
   */
  MappedTrackerProvider(LongSupplier clock) {
    this.clock = clock;
  }

  @Override
  public Tracker open(TrackerRequest request) throws BlksnapException {
    MapMaker maker = new MapMaker(request, clock);
    maker.discard();
    try {
      MapOpening.Verdict verdict = new MapOpening(request).judge();
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
      return new DeviceTracker(request, maker, file, verdict.file() == null);
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
    if (request.durable()) {
      file.force(); // marks made without durable mode
    }
    if (file.header().has(MapLayout.CLEAN)) {
      file.updateForced(header -> header.opened(active, request.durable(), request.bootId()));
      file.updateForced(header -> header.opened(active, request.durable(), request.bootId()));
    } else {
      file.update(header -> header.opened(active, request.durable(), request.bootId()));
    }
    if (request.adopt()) {
      return;
    }
    LOG.info(
        "change map of {}: generation {} goes on with number {}",
        request.device(),
        file.header().generation(),
        active);
  }
}
