// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Comparator;
import java.util.List;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.apache.karaf.shell.api.console.Command;
import org.apache.karaf.shell.api.console.Session;
import org.blksnap.shell.internal.show.Listing;

/** {@code blksnap:command-list}. */
@Service
@org.apache.karaf.shell.api.action.Command(
    scope = "blksnap",
    name = "command-list",
    description = "Lists the commands; each has --help")
public final class CommandListCommand extends PrintingCommand {
  private static final Listing<Command> LISTING =
      new Listing<Command>()
          .text("command", Command::getName)
          .text("description", Command::getDescription);

  @Reference Session session;

  @Override
  void run(PrintStream out) throws IOException {
    List<Command> commands =
        session.getRegistry().getCommands().stream()
            .filter(command -> command.getScope().equals("blksnap"))
            .sorted(Comparator.comparing(Command::getName))
            .toList();
    printAll(out, LISTING, commands, "");
  }
}
