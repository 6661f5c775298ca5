// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.shell.internal.complete.DeviceCompleter;
import org.blksnap.shell.internal.complete.OptionCompleter;

/** {@code blksnap:device-rescan}. */
@Service
@Command(
    scope = "blksnap",
    name = "device-rescan",
    description = "Looks at a device's capacity now")
public final class DeviceRescanCommand extends BlksnapCommand {
  @Argument(name = "device", description = "Name, path or major:minor", required = true)
  @Completion(DeviceCompleter.class)
  String device;

  @Argument(
      index = 1,
      name = TrailingOptions.ROOM,
      description = "Options may follow",
      multiValued = true)
  @Completion(OptionCompleter.class)
  List<String> options;

  @Override
  void run(PrintStream out) throws IOException {
    AttachedDevice found = locator().device(device).what();
    boolean changed = found.rescan();
    out.println(
        found.name()
            + ": "
            + (changed ? "capacity is now " : "capacity is still ")
            + found.capacity()
            + " bytes");
  }
}
