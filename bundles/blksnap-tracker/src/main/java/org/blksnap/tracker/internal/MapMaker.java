// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.TrackerRequest;

/**
 * Makes the files of one device's generations: first beside the device's map file, then, published,
 * in its place.
 */
final class MapMaker {
  private final TrackerRequest request;
  private final LongSupplier clock;

  /** Followed by maps made from now on; changed by the one thread that holds the gate closed. */
  private volatile BlockSizeRule rule;

  /** {@code clock} answers milliseconds since the epoch. */
  MapMaker(TrackerRequest request, LongSupplier clock) {
    this.request = request;
    this.clock = clock;
    this.rule = request.rule();
  }

  BlockSizeRule rule() {
    return rule;
  }

  /** For the maps made from now on. */
  void use(BlockSizeRule other) {
    rule = other;
  }

  Path fresh() {
    return request.file().resolveSibling(request.file().getFileName() + ".new");
  }

  /** A whole map with a new generation id, all zero, not yet under its name. */
  MapFile make(long capacity, GenerationReason reason, String detail) throws BlksnapException {
    BlockSizeRule now = rule;
    int shift = now.shiftFor(capacity, 0);
    long blocks = BlockSizeRule.blocks(capacity, shift);
    if (capacity < 0 || blocks > Integer.MAX_VALUE) {
      throw new BlksnapException(
          Errno.EFBIG,
          "change map of "
              + request.device()
              + " refused: "
              + capacity
              + " bytes are "
              + blocks
              + " tracking blocks, allowed are "
              + Integer.MAX_VALUE
              + "; raise tracking_block_maximum_shift (now "
              + now.maximumShift()
              + ")");
    }
    MapHeader header =
        new MapHeader(
            0,
            capacity,
            shift,
            (int) blocks,
            1,
            0,
            1,
            request.durable() ? MapLayout.DURABLE : 0,
            UUID.randomUUID(),
            Instant.ofEpochMilli(clock.getAsLong()),
            reason,
            detail,
            request.bootId(),
            MapHeader.keyOf(request.identity()),
            "");
    try {
      return MapFile.create(fresh(), header, forced());
    } catch (IOException e) {
      discard();
      throw failure("cannot be made", e);
    }
  }

  /**
   * Whether new files go to disk at once: in durable mode, and where one takes another's place
   * (what is not on disk yet would be sent there by the rename, in the middle of a take). A first
   * file that a power loss takes away was void anyway.
   */
  private boolean forced() {
    return request.durable() || Files.exists(request.file());
  }

  /** Removes a file that was made and not published. */
  void discard() {
    try {
      Files.deleteIfExists(fresh());
    } catch (IOException e) {
      // the next one made is written over it
    }
  }

  /** Puts the file made last under its name. */
  void publish() throws IOException {
    MapFile.rename(fresh(), request.file());
  }

  /** Makes publishing survive a power loss. */
  void settle() throws BlksnapException {
    try {
      MapFile.forceDirectory(request.file());
    } catch (IOException e) {
      throw failure("cannot be forced to disk", e);
    }
  }

  /** The errno of a failed file operation, with a message that names the file. */
  BlksnapException failure(String what, Exception e) {
    Throwable cause = e instanceof UncheckedIOException u ? u.getCause() : e;
    String text = String.valueOf(cause.getMessage());
    return new BlksnapException(
        BlksnapException.errnoOf(cause),
        "change map of "
            + request.device()
            + " in "
            + request.file()
            + " "
            + what
            + ": "
            + cause.getClass().getSimpleName()
            + " "
            + text
            + "; give the directory space and rights, then try again",
        e);
  }
}
