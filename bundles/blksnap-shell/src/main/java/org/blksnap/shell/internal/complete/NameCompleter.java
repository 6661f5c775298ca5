// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.Collection;
import java.util.List;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.console.CommandLine;
import org.apache.karaf.shell.api.console.Completer;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.support.completers.StringsCompleter;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.shell.internal.lookup.Engines;

/** Completes names that are known now, and options among them; never waits for an engine. */
public abstract class NameCompleter implements Completer {
  @Reference Engines engines;

  abstract Collection<String> names();

  @Override
  public final int complete(Session session, CommandLine line, List<String> candidates) {
    if (OptionCompleter.wanted(line)) {
      return new OptionCompleter().complete(session, line, candidates);
    }
    return new StringsCompleter(names()).complete(session, line, candidates);
  }

  final List<SnapshotService> services() {
    return engines.present().stream().map(Engines.Engine::service).toList();
  }
}
