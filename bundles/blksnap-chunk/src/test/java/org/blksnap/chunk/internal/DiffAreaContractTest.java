// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import org.blksnap.contract.DiffAreaContract;
import org.blksnap.spi.chunk.ChunkEngine;

class DiffAreaContractTest extends DiffAreaContract {
  @Override
  protected ChunkEngine engine() {
    return new ChunkEngineComponent();
  }
}
