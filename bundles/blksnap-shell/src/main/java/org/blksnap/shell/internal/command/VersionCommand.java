// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.shell.internal.lookup.Engines;
import org.blksnap.shell.internal.show.Listing;

/** {@code blksnap:version}. */
@Service
@Command(scope = "blksnap", name = "version", description = "Interface version of each engine")
public final class VersionCommand extends PrintingCommand {
  private static final Listing<Engines.Engine> LISTING =
      new Listing<Engines.Engine>()
          .text("engine", Engines.Engine::name)
          .text("version", e -> e.service().version());

  @Override
  void run(PrintStream out) throws IOException {
    printAll(out, LISTING, engines.required(engine), "");
  }
}
