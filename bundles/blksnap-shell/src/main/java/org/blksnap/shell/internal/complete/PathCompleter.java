// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.List;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.apache.karaf.shell.api.console.Candidate;
import org.apache.karaf.shell.api.console.CommandLine;
import org.apache.karaf.shell.api.console.Completer;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.support.completers.FileCompleter;

/** Paths of files, directories and devices of the host. */
@Service
public final class PathCompleter implements Completer {
  private final FileCompleter files = new FileCompleter();

  @Override
  public int complete(Session session, CommandLine line, List<String> candidates) {
    return files.complete(session, line, candidates);
  }

  @Override
  public void completeCandidates(Session session, CommandLine line, List<Candidate> candidates) {
    if (OptionCompleter.wanted(line)) {
      new OptionCompleter().completeCandidates(session, line, candidates);
      return;
    }
    files.completeCandidates(session, line, candidates);
  }
}
