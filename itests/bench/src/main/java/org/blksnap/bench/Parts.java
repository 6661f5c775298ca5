// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.nio.file.Path;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaRequest;
import org.blksnap.spi.chunk.LiveReader;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.storage.StorageRequest;
import org.blksnap.spi.tracker.Evidence;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerProvider;
import org.blksnap.spi.tracker.TrackerRequest;

/** Single parts opened with the parameters' defaults, as the conductor opens them. */
final class Parts {
  static final BlockSizeRule TRACKING =
      new BlockSizeRule(
          (int) Parameter.TRACKING_BLOCK_MINIMUM_SHIFT.defaultValue(),
          Parameter.TRACKING_BLOCK_MAXIMUM_COUNT.defaultValue(),
          (int) Parameter.TRACKING_BLOCK_MAXIMUM_SHIFT.defaultValue());
  static final BlockSizeRule CHUNKS =
      new BlockSizeRule(
          (int) Parameter.CHUNK_MINIMUM_SHIFT.defaultValue(),
          Parameter.CHUNK_MAXIMUM_COUNT.defaultValue(),
          (int) Parameter.CHUNK_MAXIMUM_SHIFT.defaultValue());

  private static final String DEVICE = "bench";
  private static final int MINIMUM_IO = 512;

  private Parts() {}

  static Tracker tracker(TrackerProvider provider, Path file, long capacity)
      throws BlksnapException {
    return provider.open(
        new TrackerRequest(
            DEVICE,
            file,
            capacity,
            TRACKING,
            false,
            "bench:1",
            "",
            Evidence.none("a bench"),
            "bench",
            false));
  }

  /** With a directory that grows by itself. */
  static DiffStorage storage(StorageProvider provider, UUID snapshot, Path file)
      throws BlksnapException {
    return provider.create(
        new StorageRequest(
            snapshot, file, Parameter.DIFF_STORAGE_MINIMUM::defaultValue, bytes -> {}));
  }

  static DiffArea area(
      ChunkEngine engine,
      UUID snapshot,
      Path directory,
      long capacity,
      DiffStorage storage,
      LiveReader live)
      throws BlksnapException {
    return engine.create(
        new DiffAreaRequest(
            snapshot,
            DEVICE,
            directory,
            capacity,
            CHUNKS,
            MINIMUM_IO,
            storage,
            live,
            () -> (int) Parameter.CHUNK_MAXIMUM_IN_QUEUE.defaultValue(),
            () -> (int) Parameter.FREE_DIFF_BUFFER_POOL_SIZE.defaultValue(),
            (error, detail) -> {
              throw new IllegalStateException("the area is lost: " + error + " " + detail);
            }));
  }
}
