// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import java.util.function.ToLongFunction;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.ChunkStatistics;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.shell.internal.lookup.Locator;

/** The columns that more than one command prints. */
public final class Shown {
  private Shown() {}

  public static final Listing<Locator.Found<AttachedDevice>> DEVICE =
      new Listing<Locator.Found<AttachedDevice>>()
          .text("name", f -> f.what().name())
          .text("path", f -> f.what().path())
          .text("engine", f -> f.engine().name())
          .text("identity", f -> f.what().identity())
          .notInTable()
          .number("major", f -> f.what().major())
          .notInTable()
          .number("minor", f -> f.what().minor())
          .notInTable()
          .bytes("device_capacity", f -> f.what().capacity())
          .number("logical_block_size", f -> f.what().geometry().logicalBlockSize())
          .notInTable()
          .number("physical_block_size", f -> f.what().geometry().physicalBlockSize())
          .notInTable()
          .flag("rotational", f -> f.what().geometry().rotational())
          .notInTable()
          .flag("read_only", f -> f.what().geometry().readOnly())
          .flag("durable", f -> f.what().request().durable())
          .notInTable()
          .flag("persistent", f -> f.what().request().persistent())
          .notInTable()
          .text("snapshot", f -> f.what().snapshot().orElse(null))
          .text("condition", f -> f.what().conditionDetail())
          .number("gate_closings", f -> f.what().gate().closings())
          .notInTable()
          .number("gate_last_ns", f -> f.what().gate().last().toNanos())
          .notInTable()
          .number("gate_maximum_ns", f -> f.what().gate().maximum().toNanos())
          .notInTable();

  /** A new listing each time, so that one command may add to it. */
  public static Listing<SnapshotRow> snapshot() {
    return new Listing<SnapshotRow>()
        .text("id", SnapshotRow::id)
        .text("engine", SnapshotRow::engine)
        .text("state", SnapshotRow::state)
        .text("created", SnapshotRow::created)
        .text("taken", SnapshotRow::taken)
        .text("label", SnapshotRow::label)
        .text("owner", SnapshotRow::owner)
        .flag("orphaned", SnapshotRow::orphaned)
        .words("devices", SnapshotRow::devices)
        .bytes("storage_capacity", r -> r.storage().capacityBytes())
        .bytes("storage_filled", r -> r.storage().filledBytes())
        .bytes("storage_requested", r -> r.storage().requestedBytes())
        .notInTable()
        .bytes("storage_limit", r -> r.storage().limitBytes())
        .notInTable()
        .flag("overflown", r -> r.storage().overflown());
  }

  public static final Listing<ImageInfo> IMAGE_INFO =
      new Listing<ImageInfo>()
          .text("device", ImageInfo::device)
          .text("image", i -> i.image().isEmpty() ? null : i.image())
          .text("error", ImageInfo::error)
          .number("error_code", i -> -i.error().code())
          .notInTable()
          .text("detail", ImageInfo::detail)
          .bytes("chunk_size", i -> chunks(i, ChunkStatistics::chunkSize))
          .number("chunk_count", i -> chunks(i, ChunkStatistics::chunkCount))
          .number("saved_chunks", i -> chunks(i, ChunkStatistics::savedChunks))
          .bytes("saved_bytes", i -> chunks(i, ChunkStatistics::savedBytes))
          .number("queued_chunks", i -> chunks(i, ChunkStatistics::queuedChunks));

  /** 0 before the take, and where the engine does not tell. */
  private static long chunks(ImageInfo image, ToLongFunction<ChunkStatistics> figure) {
    return image.chunks().map(figure::applyAsLong).orElse(0L);
  }
}
