// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.shell.internal.complete.DeviceCompleter;

/** {@code blksnap:cbt-restart}. */
@Service
@Command(
    scope = "blksnap",
    name = "cbt-restart",
    description = "Begins a device's change map anew, with the tracking blocks in force now")
public final class CbtRestartCommand extends PrintingCommand {
  @Argument(name = "device", description = "Name, path or major:minor", required = true)
  @Completion(DeviceCompleter.class)
  String device;

  @Argument(
      index = 1,
      name = TrailingOptions.ROOM,
      description = "Options may follow",
      multiValued = true)
  List<String> options;

  @Override
  void run(PrintStream out) throws IOException {
    printOne(out, CbtInfoCommand.LISTING, locator().device(device).what().restartChanges());
  }
}
