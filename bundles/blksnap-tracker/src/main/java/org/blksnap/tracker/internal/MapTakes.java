// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.UnaryOperator;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.Tracker.PreparedTake;
import org.blksnap.spi.tracker.TrackerRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What changes the map of a device as a whole: the next number at a take, or a new generation where
 * a number would say too little. All that may fail is done beforehand; the step itself is {@link
 * InUse}'s. No state.
 */
final class MapTakes {
  private static final Logger LOG = LoggerFactory.getLogger(MapTakes.class);

  /** The map that marks go to. */
  interface InUse {
    MapFile file();

    /** The next number in the same file. */
    void advance(DurableBits bits);

    /** A new generation, in the file the maker has made; it is in use even where this fails. */
    void replace(MapFile file, DurableBits bits) throws IOException;
  }

  /** What is done with another rule for the size of blocks. */
  interface Renewal {
    void run() throws BlksnapException;
  }

  private final TrackerRequest request;
  private final MapMaker maker;
  private final InUse inUse;

  MapTakes(TrackerRequest request, MapMaker maker, InUse inUse) {
    this.request = request;
    this.maker = maker;
    this.inUse = inUse;
  }

  /** Null where the mode is not durable. */
  DurableBits bits(long blocks) {
    return request.durable() ? new DurableBits(blocks) : null;
  }

  /** With that rule from now on, unless it fails. */
  void use(BlockSizeRule rule, Renewal renewal) throws BlksnapException {
    BlockSizeRule before = maker.rule();
    maker.use(rule);
    try {
      renewal.run();
    } catch (BlksnapException e) {
      maker.use(before);
      throw e;
    }
  }

  /** Begins a new generation at once. */
  void renew(long capacity, GenerationReason reason, String detail) throws BlksnapException {
    MapFile file = maker.make(capacity, reason, detail);
    try {
      inUse.replace(file, bits(file.header().count()));
    } catch (IOException e) {
      throw maker.failure("cannot be put in its place", e);
    }
    maker.settle();
  }

  /** From the map in use, as it stands while the gate may be open. */
  PreparedTake prepare(Epoch e, boolean corrupted, long capacity) throws BlksnapException {
    if (corrupted) {
      return fresh(capacity, GenerationReason.MAP_CORRUPTED, "found at a take");
    }
    if (capacity != e.capacity()) {
      return fresh(
          capacity, GenerationReason.RESIZE, "was " + e.capacity() + " bytes, is " + capacity);
    }
    if (e.active() == MapLayout.LAST_NUMBER) {
      return fresh(capacity, GenerationReason.WRAP, "");
    }
    announce(MapHeader::announcing);
    return new NextNumber(bits(e.info().blockCount()));
  }

  private PreparedTake fresh(long capacity, GenerationReason reason, String detail)
      throws BlksnapException {
    MapFile file = maker.make(capacity, reason, detail);
    announce(header -> header.with(MapLayout.RENEWING));
    return new NextGeneration(file, bits(file.header().count()));
  }

  /** Durable mode: what a take is about to do is on disk before it may happen. */
  private void announce(UnaryOperator<MapHeader> step) throws BlksnapException {
    if (!request.durable()) {
      return;
    }
    try {
      inUse.file().updateForced(step);
    } catch (UncheckedIOException failure) {
      throw maker.failure("cannot be forced to disk", failure);
    }
  }

  /** A take within the generation. */
  private final class NextNumber implements PreparedTake {
    private final DurableBits bits;

    NextNumber(DurableBits bits) {
      this.bits = bits;
    }

    @Override
    public void commit() {
      inUse.advance(bits);
    }

    @Override
    public void abort() {
      // an announced take that does not come costs nothing
    }
  }

  /** A take that begins a new generation. */
  private final class NextGeneration implements PreparedTake {
    private final MapFile file;
    private final DurableBits bits;

    NextGeneration(MapFile file, DurableBits bits) {
      this.file = file;
      this.bits = bits;
    }

    @Override
    public void commit() {
      try {
        inUse.replace(file, bits);
      } catch (IOException e) {
        LOG.error(
            "change map of {}: the new generation's file did not reach its place {}; tracking goes"
                + " on, but the next start begins one more generation",
            request.device(),
            request.file(),
            e);
      }
    }

    @Override
    public void abort() {
      maker.discard();
      inUse.file().update(header -> header.without(MapLayout.RENEWING));
    }
  }
}
