// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.shell.internal.lookup.Locator;
import org.blksnap.shell.internal.show.Listing;

/** {@code blksnap:image-list}. */
@Service
@Command(scope = "blksnap", name = "image-list", description = "Images of all taken snapshots")
public final class ImageListCommand extends PrintingCommand {
  private static final Listing<Locator.Found<SnapshotImage>> LISTING =
      new Listing<Locator.Found<SnapshotImage>>()
          .text("name", f -> f.what().name())
          .text("device", f -> f.what().device())
          .text("snapshot", f -> f.what().snapshot())
          .text("engine", f -> f.engine().name())
          .bytes("device_capacity", f -> f.what().capacity())
          .text("error", f -> f.what().error())
          .number("error_code", f -> -f.what().error().code())
          .notInTable();

  @Override
  void run(PrintStream out) throws IOException {
    printAll(out, LISTING, locator().images(), "there is no image; take a snapshot first");
  }
}
