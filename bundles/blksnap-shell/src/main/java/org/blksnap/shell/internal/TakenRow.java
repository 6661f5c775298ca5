// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.TakeResult;

/** A snapshot just taken. */
record TakenRow(SnapshotRow snapshot, TakeResult result) {
  static final Listing<TakenRow> LISTING =
      new Listing<TakenRow>()
          .text("id", r -> r.snapshot().id())
          .text("engine", r -> r.snapshot().engine())
          .text("taken", r -> r.snapshot().taken())
          .words("devices", r -> r.snapshot().devices())
          .words("images", r -> r.snapshot().images().stream().map(ImageInfo::image).toList())
          .text("consistency", r -> r.result().consistency())
          .words("consistency_reasons", r -> r.result().reasons())
          .flag("crash_consistent", r -> r.result().crashConsistent())
          .words("warnings", r -> r.result().warnings())
          .number("held_ns", r -> r.result().heldNanos());
}
