// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaRequest;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * The copy-on-write engine. It holds nothing itself: an area belongs to whoever made it, works on
 * when this service goes, and is closed by its owner, who then adopts it with the successor.
 */
@Component(service = ChunkEngine.class)
public final class ChunkEngineComponent implements ChunkEngine {
  /** How long the storage may store nothing while somebody waits for it: {@code stall limit}. */
  static final Duration STALL_LIMIT = Duration.ofSeconds(20);

  private final Duration stallLimit;
  private final LongSupplier budget;

  @Activate
  public ChunkEngineComponent() {
    this(STALL_LIMIT, BufferBudget::now);
  }

  /** {@code budget}: bytes of buffers an area may have, asked when it is made. */
  ChunkEngineComponent(Duration stallLimit, LongSupplier budget) {
    this.stallLimit = stallLimit;
    this.budget = budget;
  }

  @Override
  public DiffArea create(DiffAreaRequest request) throws BlksnapException {
    try {
      return MappedDiffArea.create(request, stallLimit, budget.getAsLong());
    } catch (IOException e) {
      throw refused("made", request, e);
    }
  }

  @Override
  public DiffArea adopt(DiffAreaRequest request) throws BlksnapException {
    try {
      return MappedDiffArea.adopt(request, stallLimit);
    } catch (IOException e) {
      throw refused("adopted", request, e);
    }
  }

  private static BlksnapException refused(String what, DiffAreaRequest request, IOException e) {
    if (e instanceof BlksnapException known) {
      return known;
    }
    return new BlksnapException(
        BlksnapException.errnoOf(e),
        "diff area of "
            + request.device()
            + " can not be "
            + what
            + " in "
            + request.directory()
            + ": "
            + e
            + "; look at the directory's rights and free space",
        e);
  }
}
