// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import java.util.List;
import org.blksnap.api.export.Export;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.shell.internal.lookup.Engines;

/** A snapshot just taken, and where to read its images. */
public record TakenRow(SnapshotRow snapshot, TakeResult result, List<String> uris) {
  public static final Listing<TakenRow> LISTING =
      new Listing<TakenRow>()
          .text("id", r -> r.snapshot().id())
          .text("engine", r -> r.snapshot().engine())
          .text("taken", r -> r.snapshot().taken())
          .words("devices", r -> r.snapshot().devices())
          .words("images", r -> r.snapshot().images().stream().map(ImageInfo::image).toList())
          .words("uris", TakenRow::uris)
          .text("consistency", r -> r.result().consistency())
          .words("consistency_reasons", r -> r.result().reasons())
          .flag("crash_consistent", r -> r.result().crashConsistent())
          .words("warnings", r -> r.result().warnings())
          .number("held_ns", r -> r.result().held().toNanos());

  /** With the addresses its images are served at, as far as they are. */
  public static TakenRow of(Engines engines, SnapshotRow snapshot, TakeResult result) {
    List<String> images = snapshot.images().stream().map(ImageInfo::image).toList();
    List<String> uris =
        engines.presentExports().stream()
            .flatMap(exports -> exports.exports().stream())
            .filter(export -> images.contains(export.name()))
            .map(Export::uri)
            .toList();
    return new TakenRow(snapshot, result, uris);
  }
}
